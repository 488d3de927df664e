import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers';
import { text } from 'node:stream/consumers';
import type { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import type { Random } from '../random.js';
import { AUDIENCE } from '../settings.js';
import { HANG } from '../timing.js';
import { type Fault, FaultDeck } from './fault-deck.js';
import { KeyRing } from './key-ring.js';
import { OpaqueTokens } from './opaque-tokens.js';

const ENDPOINTS = ['metadata', 'keys', 'introspection'] as const;
type Endpoint = (typeof ENDPOINTS)[number];

const PATHS: Readonly<Record<string, Endpoint>> = {
  '/.well-known/oauth-authorization-server': 'metadata',
  '/keys': 'keys',
  '/introspect': 'introspection',
};

/** Seconds until what introspection knows expires. */
const EXPIRES_IN = 3600;

/** How many calls an authority got, and how many of them failed. */
export interface CallCount {
  calls: number;
  faults: number;
}

/**
 * The authorization server of one API: metadata, keys and introspection over HTTPS, each of which fails a third of the
 * time. One for each API, so that what is said of failures in a row holds for what an API sees.
 */
export class Authority {
  readonly keys = new KeyRing();
  readonly opaque = new OpaqueTokens();
  readonly counts: Readonly<Record<Endpoint, CallCount>> = {
    metadata: { calls: 0, faults: 0 },
    keys: { calls: 0, faults: 0 },
    introspection: { calls: 0, faults: 0 },
  };
  /** Whether it fails at all. */
  failing = false;
  private readonly decks: Readonly<Record<Endpoint, FaultDeck>>;

  private constructor(
    private readonly server: Server,
    random: Random,
  ) {
    this.decks = {
      metadata: new FaultDeck(random),
      keys: new FaultDeck(random),
      introspection: new FaultDeck(random),
    };
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // A caller that has gone needs no answer.
      this.handle(request, response).catch(() => request.socket.destroy());
    });
  }

  /** Starts one on a free port of 127.0.0.1. */
  static async start(ca: TestCertificateAuthority, random: Random): Promise<Authority> {
    const { key, cert } = await ca.issueServerCertificate();
    const server = createServer({ key, cert });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Authority(server, random);
  }

  get issuer(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await text(request));
    const endpoint = PATHS[request.url ?? ''];
    if (endpoint === undefined) {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.stringify(this.answer(endpoint, form));
    answerBy(this.deal(endpoint), request, response, body);
  }

  private deal(endpoint: Endpoint): Fault | 'well' {
    const card = this.failing ? this.decks[endpoint].deal() : 'well';
    this.counts[endpoint].calls += 1;
    if (card !== 'well') this.counts[endpoint].faults += 1;
    return card;
  }

  private answer(endpoint: Endpoint, form: URLSearchParams): object {
    switch (endpoint) {
      case 'metadata':
        return {
          issuer: this.issuer,
          jwks_uri: `${this.issuer}/keys`,
          introspection_endpoint: `${this.issuer}/introspect`,
          response_types_supported: [],
        };
      case 'keys':
        return { keys: this.keys.published.map(({ jwk }) => jwk) };
      case 'introspection':
        return this.introspect(form.get('token') ?? '');
    }
  }

  private introspect(token: string): object {
    const known = this.opaque.find(token);
    if (known === undefined) return { active: false };
    return {
      active: true,
      iss: this.issuer,
      aud: AUDIENCE,
      sub: known.subject,
      client_id: 'client',
      exp: Math.floor(Date.now() / 1000) + EXPIRES_IN,
      cnf: { 'x5t#S256': known.thumbprint },
    };
  }
}

function answerBy(
  card: Fault | 'well',
  { socket }: IncomingMessage,
  response: ServerResponse,
  body: string,
): void {
  switch (card) {
    case 'well':
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return;
    case 'status 500':
      response.writeHead(500, { 'content-type': 'application/json' }).end(body);
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><html>Sign in</html>');
      return;
    case 'cut off':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      response.write(body.slice(0, body.length / 2), () => socket.destroy());
      return;
    case 'reset':
      socket.destroy();
      return;
    case 'hang':
      setTimeout(() => socket.destroy(), HANG);
  }
}
