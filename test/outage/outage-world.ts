import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import {
  AccessToken,
  type AuthorizationServerOptions,
  CertBoundAuthModule,
  Public,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import { TestAuthorizationServer, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { Agent, request } from 'undici';
import { type Platform, startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { AUDIENCE, createWorld, tlsOf, type World } from '../support/world.js';
import { FaultyServer, type ServerCertificates } from './faulty-server.js';

@Controller()
class Routes {
  @Get() token(@AccessToken() token: VerifiedAccessToken): object {
    return { issuer: token.issuer };
  }

  @Get('public') @Public() open(): string {
    return 'open';
  }
}

/** What an API asks an authorization server for. */
export type Target = 'metadata' | 'keys' | 'introspection';

export const TARGETS: readonly Target[] = ['metadata', 'keys', 'introspection'];

/** The answer of the API. */
export interface ApiAnswer {
  readonly status: number;
  readonly retryAfter: number;
  /** Milliseconds. */
  readonly duration: number;
}

/** Whom the API trusts. */
export interface Issuer {
  readonly options: AuthorizationServerOptions;
  /** Issues a token for the first client. */
  mint(): Promise<string>;
}

/** One whose server can go wrong. */
export interface FaultyIssuer {
  readonly issuer: Issuer;
  readonly server: FaultyServer;
}

const SECRET = { method: 'client_secret_basic', clientId: 'api', clientSecret: 'api-secret' } as const;

/** Makes issuers, and an API that trusts them; all of it ends with {@link OutageWorld.close}. */
export class OutageWorld {
  readonly log = new RecordingLogger();
  private readonly ends: (() => Promise<unknown>)[] = [];
  private api: { readonly origin: string; readonly client: Agent } | undefined;

  private constructor(
    private readonly world: World,
    private readonly certificates: ServerCertificates,
    /** Signs the tokens of all issuers, and has their keys. */
    private readonly as: TestAuthorizationServer,
  ) {
    this.ends.push(async () => as.stop());
  }

  static async create(): Promise<OutageWorld> {
    const world = await createWorld();
    const as = await TestAuthorizationServer.start({ ca: world.ca });
    return new OutageWorld(world, await issueCertificates(world), as);
  }

  /** Starts a server which the API needs for this and nothing else. */
  async faultyIssuer(target: Target, http: AuthorizationServerOptions['http'] = {}): Promise<FaultyIssuer> {
    const server = await FaultyServer.start(this.certificates, (url) => this.documentFor(target, url));
    this.ends.push(async () => server.stop());
    return { server, issuer: this.issuerAt(server.url, target, http) };
  }

  /** An issuer that has this at a URL, and the rest where nothing goes wrong. */
  issuerAt(url: string, target: Target, http: AuthorizationServerOptions['http'] = {}): Issuer {
    const { ca, client1 } = this.world;
    return {
      options: { issuer: url, tls: { ca: ca.cert }, http, ...optionsFor(target, url) },
      mint: async () => this.as.accessToken({ certificate: client1, claims: { iss: url } }),
    };
  }

  /** Starts an API that trusts these issuers. */
  async startApi(platform: Platform, issuers: readonly Issuer[]): Promise<void> {
    const auth = CertBoundAuthModule.forRoot({
      audience: AUDIENCE,
      authorizationServers: issuers.map(({ options }) => options),
      introspectionOrder: 'by-configuration',
    });
    class App {}
    const module = { module: App, imports: [auth], controllers: [Routes] };
    const app = await startApp(platform, module, tlsOf(this.world), { logger: this.log });
    const { client1, ca } = this.world;
    const client = new Agent({ connect: { ca: ca.cert, key: client1.key, cert: client1.cert } });
    this.api = { origin: originOf(app), client };
    this.ends.push(
      async () => app.close(),
      async () => client.destroy(),
    );
  }

  /** Calls the API. */
  async call(path: string, token?: string): Promise<ApiAnswer> {
    if (this.api === undefined) throw new Error('no API yet');
    const begun = performance.now();
    const { statusCode, headers, body } = await request(this.api.origin + path, {
      dispatcher: this.api.client,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    await body.dump();
    const duration = performance.now() - begun;
    return { status: statusCode, retryAfter: Number(headers['retry-after']), duration };
  }

  /** What was logged of an issuer. */
  linesOf(url: string): readonly string[] {
    return this.log.ours.map(({ text }) => text).filter((text) => text.includes(url));
  }

  async close(): Promise<void> {
    for (const end of this.ends.toReversed()) await end();
  }

  private documentFor(target: Target, url: string): string {
    switch (target) {
      case 'metadata':
        return JSON.stringify({ issuer: url, jwks_uri: this.as.jwksUri });
      case 'keys':
        return JSON.stringify({ keys: [this.as.signingKey.jwk] });
      case 'introspection':
        return JSON.stringify({
          active: true,
          aud: AUDIENCE,
          exp: Math.floor(Date.now() / 1000) + 300,
          cnf: { 'x5t#S256': this.world.client1.thumbprint },
        });
    }
  }
}

function originOf(app: INestApplication): string {
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return `https://127.0.0.1:${port}`;
}

/** An issuer that is asked for one thing only. */
function optionsFor(target: Target, url: string): Partial<AuthorizationServerOptions> {
  switch (target) {
    case 'metadata':
      return {};
    case 'keys':
      return { jwt: { jwksUri: `${url}/jwks` } };
    case 'introspection':
      return {
        jwt: false,
        introspection: {
          clientAuthentication: SECRET,
          endpoint: `${url}/introspect`,
          tokens: 'all',
          cache: {},
        },
      };
  }
}

async function issueCertificates({ ca, server }: World): Promise<ServerCertificates> {
  const other = await TestCertificateAuthority.create('Another CA');
  const [unknownCa, wrongName, expired] = await Promise.all([
    other.issueServerCertificate(),
    ca.issueServerCertificate({ hosts: ['as.example.com'] }),
    ca.issueServerCertificate({ notAfter: new Date(Date.now() - 1000) }),
  ]);
  return { good: server, unknownCa, wrongName, expired };
}
