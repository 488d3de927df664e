import type { INestApplication } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { generateSigningKey, signCompact } from '../../lib/testing/minted-token.js';
import { whenOver, type World } from './world.js';

/** What a security event token says, and what is wrong with it. */
export interface SetOptions {
  readonly type?: string;
  readonly event?: unknown;
  /** `sub_id`. */
  readonly subject?: unknown;
  /** Claims added or replaced; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Header members added or replaced; `undefined` removes one. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signed by a key that was never published, under the `kid` of one that was; or not at all. */
  readonly fault?: 'foreign-key' | 'unsigned' | 'tampered';
}

export const RECEIVER = 'https://api.example.com/signals';

/** What a receiver polls with (RFC 8936 §2.2). */
export interface Poll {
  readonly headers: IncomingHttpHeaders;
  readonly maxEvents?: number;
  readonly returnImmediately?: boolean;
  readonly ack?: readonly string[];
  readonly setErrs?: Readonly<Record<string, { readonly err: string; readonly description: string }>>;
}

/** A transmitter of the Shared Signals Framework: real HTTPS, with metadata and keys. */
export class TestTransmitter {
  /** What it answers, by path, where that is not what it should. */
  readonly answers = new Map<string, { readonly status: number; readonly body?: string }>();
  /** Members of its metadata added or replaced. */
  metadata: Readonly<Record<string, unknown>> = {};
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Polls that have come, the oldest first. */
  readonly polls: Poll[] = [];
  /** What waits to be polled, by `jti`: until it is acknowledged, or refused. */
  readonly waiting = new Map<string, string>();
  /** The most sets of one answer. */
  mostSets = 100;
  /** How long a poll waits, in milliseconds. */
  longPoll = 200;
  private arrived: () => void = () => undefined;
  private key = generateSigningKey('RS256');
  private issued: string | undefined;

  private constructor(
    private readonly server: Server,
    private readonly path: string,
  ) {}

  /** Starts one, which ends with the test. @param path of its issuer */
  static async start({ server: { key, cert } }: World, path = ''): Promise<TestTransmitter> {
    const server = createServer({ key, cert });
    const transmitter = new TestTransmitter(server, path);
    server.on('request', (sent, response) => void transmitter.respond(sent, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    whenOver(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return transmitter;
  }

  get issuer(): string {
    return this.issued ?? `https://localhost:${(this.server.address() as AddressInfo).port}${this.path}`;
  }

  /** Lets it speak as another issuer, with the keys at its own `/jwks`. */
  speakAs(issuer: string): void {
    this.issued = issuer;
  }

  get jwksUri(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}/jwks`;
  }

  /** New keys in the place of those that were published. */
  rotate(): void {
    this.key = generateSigningKey('ES256');
  }

  get pollEndpoint(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}/poll`;
  }

  /** Lets a token wait to be polled. @returns its `jti` */
  async offer(options: SetOptions = {}): Promise<string> {
    const jti = randomUUID();
    this.waiting.set(jti, await this.set({ ...options, claims: { jti, ...options.claims } }));
    this.arrived();
    return jti;
  }

  /** Makes a token: a right one about nobody, unless told otherwise. */
  async set({ type, event = {}, subject, claims, header, fault }: SetOptions = {}): Promise<string> {
    const { privateKey, jwk } = await (fault === 'foreign-key' ? generateSigningKey('RS256') : this.key);
    const published = (await this.key).jwk;
    const all = {
      iss: this.issuer,
      aud: RECEIVER,
      iat: Math.floor(Date.now() / 1000),
      jti: randomUUID(),
      sub_id: subject,
      events: { [type ?? 'https://schemas.example.com/nothing']: event },
      ...claims,
    };
    const head = { typ: 'secevent+jwt', alg: jwk.alg, kid: published.kid, ...header };
    if (fault === 'unsigned') return `${encoded({ ...head, alg: 'none' })}.${encoded(all)}.`;
    const signed = await signCompact(withoutUndefined(head), withoutUndefined(all), privateKey);
    if (fault !== 'tampered') return signed;
    const [first, , last] = signed.split('.');
    return `${first}.${encoded({ ...all, jti: 'another' })}.${last}`;
  }

  private async respond(sent: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = sent.url ?? '';
    this.asked.push(path);
    if (path === '/poll') this.note(sent, await text(sent));
    sent.resume();
    const { status, body } = this.answers.get(path) ?? (await this.documentAt(path));
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  }

  private note({ headers }: IncomingMessage, body: string): void {
    const poll = { headers, ...(JSON.parse(body) as Omit<Poll, 'headers'>) };
    this.polls.push(poll);
    if (this.answers.has('/poll')) return;
    for (const jti of [...(poll.ack ?? []), ...Object.keys(poll.setErrs ?? {})]) this.waiting.delete(jti);
  }

  private async polled(): Promise<object> {
    if (this.waiting.size === 0 && this.polls.at(-1)?.returnImmediately !== true) await this.anything();
    const sets = [...this.waiting].slice(0, this.mostSets);
    return { sets: Object.fromEntries(sets), moreAvailable: this.waiting.size > sets.length };
  }

  private async anything(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.arrived = resolve;
      setTimeout(resolve, this.longPoll).unref();
    });
  }

  private async documentAt(path: string): Promise<{ readonly status: number; readonly body?: string }> {
    if (path === '/poll') return { status: 200, body: JSON.stringify(await this.polled()) };
    if (path === '/jwks') return { status: 200, body: JSON.stringify({ keys: [(await this.key).jwk] }) };
    if (path !== `/.well-known/ssf-configuration${this.path}`) return { status: 404 };
    const { issuer, jwksUri } = this;
    return {
      status: 200,
      body: JSON.stringify({ issuer, jwks_uri: jwksUri, spec_version: '1_0', ...this.metadata }),
    };
  }
}

/** What an endpoint has answered. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How a token is sent. */
export interface PushOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a token to an app, by HTTPS and without a certificate. */
export async function push(
  app: INestApplication,
  { ca }: World,
  set: string,
  { path = '/signals', method = 'POST', headers = {} }: PushOptions = {},
): Promise<Answered> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      ca: ca.cert,
      headers: { 'content-type': 'application/secevent+jwt', ...headers },
    });
    sent.on('response', (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.on('error', reject);
    sent.end(set);
  });
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function withoutUndefined(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
