import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { deflateSync } from 'node:zlib';
import { base64url, exportSPKI, importJWK, type JWK, jwtVerify } from 'jose';
import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';
import type { TestCertificate, TestCertificateAuthority } from './test-certificate-authority.js';
import {
  generateSigningKey,
  mintedClaims,
  signCompact,
  type TestSigningKey,
  type TestTokenOptions,
} from './minted-token.js';

/** How a test authorization server is set up. */
export interface TestAuthorizationServerOptions {
  /** Issues the server's certificate: give its `cert` to the module as `tls: { ca }`. */
  readonly ca: TestCertificateAuthority;
  /** Path of the issuer, as of a tenant: `/realms/bank`. @default none */
  readonly path?: string;
  /** Which metadata it publishes: RFC 8414, OpenID Connect Discovery, or none. @default 'oauth' */
  readonly discovery?: 'oauth' | 'openid' | 'none';
  /** `aud` of its tokens. @default 'https://api.example.com' */
  readonly audience?: string;
  /** Algorithm of its signing keys. @default 'ES256' */
  readonly algorithm?: 'ES256' | 'ES384' | 'PS256' | 'RS256' | 'EdDSA';
  /** The client that may introspect. @default { clientId: 'api', clientSecret: 'api-secret' } */
  readonly introspectionClient?: TestIntrospectionClient;
}

/** A client of the introspection endpoint, by secret, by public key (`private_key_jwt`) or by certificate. */
export type TestIntrospectionClient =
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly clientId: string; readonly publicKey: JWK }
  | { readonly clientId: string; readonly certificate: TestCertificate };

/** What a minted JWT says, and what is wrong with it. */
export interface TestJwtOptions extends TestTokenOptions {
  /** Header members added or replaced; `undefined` removes one. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** @default none: the token is right */
  readonly fault?: TestJwtFault;
}

/**
 * `unsigned`: `alg: none`, no signature. `tampered`: a claim changed after signing. `foreign-key`: signed with
 * a key that the server never published, under the `kid` of one that it did. `hmac-with-public-key`: HS256 with
 * the public key's PEM as the secret.
 */
export type TestJwtFault = 'unsigned' | 'tampered' | 'foreign-key' | 'hmac-with-public-key';

/** What a status list says beside the statuses. */
export interface TestStatusListOptions {
  /** @default '1' */
  readonly name?: string;
  /** Bits of a status. @default 1 */
  readonly bits?: 1 | 2 | 4 | 8;
  /** Claims added or replaced, such as `ttl` and `exp`; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Header members added or replaced; `undefined` removes one. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** How an endpoint answers: as it should, not at all, by cutting the connection, or with this. */
export type TestBehaviour =
  | 'normal'
  | 'hang'
  | 'reset'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

/** An endpoint of the server. */
export type TestEndpoint = 'metadata' | 'jwks' | 'introspection' | 'status-list';

/** A request that the server received. */
export interface TestServerRequest {
  readonly endpoint: TestEndpoint | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly form: URLSearchParams;
  /** Thumbprint of the certificate that the caller presented. */
  readonly certificateThumbprint?: string;
}

/**
 * An authorization server for tests: real HTTPS on 127.0.0.1 with metadata, JWK Set, introspection and a mint
 * for right and wrong tokens. It has no token endpoint: tests ask it for tokens directly.
 * @example
 * ```ts
 * import { TestAuthorizationServer, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
 *
 * const ca = await TestCertificateAuthority.create();
 * const as = await TestAuthorizationServer.start({ ca });
 * const certificate = await ca.issueClientCertificate('client-1');
 * export const token = await as.accessToken({ certificate, scope: 'payments:read' });
 * await as.stop();
 * ```
 */
export class TestAuthorizationServer {
  /** Every request since the start, oldest first. */
  readonly requests: TestServerRequest[] = [];

  private readonly behaviours = new Map<TestEndpoint, TestBehaviour>();
  private readonly opaqueTokens = new Map<string, unknown>();
  private readonly statusLists = new Map<string, () => Promise<string>>();
  private readonly path: string;
  private readonly audience: string;
  private published: readonly TestSigningKey[] = [];
  private port = 0;
  private server: Server | undefined;

  private constructor(
    private readonly options: TestAuthorizationServerOptions,
    private readonly certificate: TestCertificate,
    private current: TestSigningKey,
  ) {
    this.path = options.path ?? '';
    this.audience = options.audience ?? 'https://api.example.com';
    this.published = [current];
  }

  /** Starts a server on a free port of 127.0.0.1. */
  static async start(options: TestAuthorizationServerOptions): Promise<TestAuthorizationServer> {
    const certificate = await options.ca.issueServerCertificate();
    const key = await generateSigningKey(options.algorithm ?? 'ES256');
    const server = new TestAuthorizationServer(options, certificate, key);
    await server.resume();
    return server;
  }

  /** The issuer identifier: `https://localhost:<port><path>`. */
  get issuer(): string {
    return `https://localhost:${this.port}${this.path}`;
  }

  get jwksUri(): string {
    return `${this.issuer}/jwks`;
  }

  get introspectionEndpoint(): string {
    return `${this.issuer}/introspect`;
  }

  /**
   * Options of `CertBoundAuthModule.forRoot` for an API that trusts this server, introspection of opaque tokens
   * included where the introspecting client has a secret.
   */
  get moduleOptions(): CertBoundAuthOptions {
    const client = this.client();
    const clientAuthentication =
      'clientSecret' in client ? ({ method: 'client_secret_basic', ...client } as const) : undefined;
    return {
      audience: this.audience,
      authorizationServers: [
        {
          issuer: this.issuer,
          tls: { ca: this.options.ca.cert },
          ...(clientAuthentication === undefined ? {} : { introspection: { clientAuthentication } }),
        },
      ],
    };
  }

  /** The key that new tokens are signed with; `jwk` is its public part. */
  get signingKey(): TestSigningKey {
    return this.current;
  }

  /** Mints a JWT access token (RFC 9068). */
  async accessToken(options: TestJwtOptions = {}): Promise<string> {
    const header = {
      alg: this.current.jwk.alg,
      typ: 'at+jwt',
      kid: this.current.jwk.kid,
      ...options.header,
    };
    const claims = this.claims(options);
    const fault: TestJwtFault | undefined = options.fault;
    switch (fault) {
      case undefined:
        return signCompact(header, claims, this.current.privateKey);
      case 'unsigned':
        return `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`;
      case 'tampered': {
        const [head, , signature] = (await signCompact(header, claims, this.current.privateKey)).split('.');
        return `${head}.${encode({ ...claims, sub: 'somebody-else' })}.${signature}`;
      }
      case 'foreign-key': {
        const foreign = await generateSigningKey(this.options.algorithm ?? 'ES256');
        return signCompact(header, claims, foreign.privateKey);
      }
      case 'hmac-with-public-key': {
        const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
        const key = await importJWK(this.current.jwk, this.current.jwk.alg, { extractable: true });
        const secret = await exportSPKI(key as CryptoKeyOfJose);
        return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
      }
    }
  }

  /** Issues an opaque access token, which introspection knows from now on. */
  opaqueToken(options: TestTokenOptions = {}): string {
    const token = `opaque-${randomUUID()}`;
    this.opaqueTokens.set(token, { active: true, ...this.claims(options) });
    return token;
  }

  /** Sets what introspection answers for a token, whatever it is; JSON is made of it as it stands. */
  answerIntrospection(token: string, answer: unknown): void {
    this.opaqueTokens.set(token, answer);
  }

  /** Makes introspection answer `active: false` for a token. */
  revoke(token: string): void {
    this.opaqueTokens.delete(token);
  }

  /**
   * Publishes a status list, or another one in its place: 0 is valid, 1 invalid, 2 suspended. A token refers to it by
   * `claims: { status: { status_list: { uri, idx } } }`.
   * @returns its `uri`
   */
  publishStatusList(statuses: readonly number[], options: TestStatusListOptions = {}): string {
    const { name = '1', bits = 1 } = options;
    const uri = `${this.issuer}/statuslists/${name}`;
    const lst = deflateSync(packed(statuses, bits)).toString('base64url');
    this.statusLists.set(new URL(uri).pathname, async () => {
      const header = { alg: this.current.jwk.alg, typ: 'statuslist+jwt', kid: this.current.jwk.kid };
      const claims = { sub: uri, iat: Math.floor(Date.now() / 1000), status_list: { bits, lst } };
      return signCompact(
        { ...header, ...options.header },
        { ...claims, ...options.claims },
        this.current.privateKey,
      );
    });
    return uri;
  }

  /** Signs new tokens with a new key. @param keep whether the old keys stay published, so that old tokens stay valid */
  async rotateKeys({ keep = true }: { readonly keep?: boolean } = {}): Promise<void> {
    this.current = await generateSigningKey(this.options.algorithm ?? 'ES256');
    this.published = keep ? [...this.published, this.current] : [this.current];
  }

  /** Changes how an endpoint answers from now on. */
  behave(endpoint: TestEndpoint, behaviour: TestBehaviour): void {
    this.behaviours.set(endpoint, behaviour);
  }

  /** How many requests an endpoint has received. */
  count(endpoint: TestEndpoint): number {
    return this.requests.filter((request) => request.endpoint === endpoint).length;
  }

  /** Goes down: open connections are cut, new ones refused. */
  async stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  /** Comes back on the same port, with the same keys and tokens. */
  async resume(): Promise<void> {
    const server = createServer(
      {
        key: this.certificate.key,
        cert: this.certificate.cert,
        ca: this.options.ca.cert,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        this.handle(request, response).catch((error: unknown) => response.destroy(error as Error));
      },
    );
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
  }

  private client(): TestIntrospectionClient {
    return this.options.introspectionClient ?? { clientId: 'api', clientSecret: 'api-secret' };
  }

  private claims(options: TestTokenOptions): Record<string, unknown> {
    return mintedClaims({ issuer: this.issuer, audience: this.audience }, options);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await receive(request, this.endpointOf(request));
    this.requests.push(received);
    const behaviour = this.behaviourOf(received.endpoint);
    if (behaviour === 'hang') return;
    if (behaviour === 'reset') {
      request.socket.destroy();
      return;
    }
    const answer = behaviour === 'normal' ? await this.answer(received) : behaviour;
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body);
  }

  private endpointOf(request: IncomingMessage): TestEndpoint | undefined {
    const path = request.url?.split('?')[0] ?? '';
    if (path === this.metadataPath()) return 'metadata';
    if (path === `${this.path}/jwks`) return 'jwks';
    if (path === `${this.path}/introspect`) return 'introspection';
    if (path.startsWith(`${this.path}/statuslists/`)) return 'status-list';
    return undefined;
  }

  private metadataPath(): string | undefined {
    switch (this.options.discovery ?? 'oauth') {
      case 'oauth':
        return `/.well-known/oauth-authorization-server${this.path}`;
      case 'openid':
        return `${this.path}/.well-known/openid-configuration`;
      case 'none':
        return undefined;
    }
  }

  private behaviourOf(endpoint: TestEndpoint | undefined): TestBehaviour {
    return endpoint === undefined ? 'normal' : (this.behaviours.get(endpoint) ?? 'normal');
  }

  private async answer(request: TestServerRequest): Promise<Exclude<TestBehaviour, string>> {
    switch (request.endpoint) {
      case 'metadata':
        return json(200, this.metadata());
      case 'jwks':
        return json(200, { keys: this.published.map((key) => key.jwk) });
      case 'introspection':
        return this.introspect(request);
      case 'status-list':
        return this.statusList(request);
      case undefined:
        return json(404, { error: 'not_found' });
    }
  }

  private async statusList({ path }: TestServerRequest): Promise<Exclude<TestBehaviour, string>> {
    const list = this.statusLists.get(path);
    if (list === undefined) return json(404, { error: 'not_found' });
    return { status: 200, headers: { 'content-type': 'application/statuslist+jwt' }, body: await list() };
  }

  private metadata(): object {
    return {
      issuer: this.issuer,
      jwks_uri: this.jwksUri,
      introspection_endpoint: this.introspectionEndpoint,
      response_types_supported: [],
    };
  }

  private async introspect(request: TestServerRequest): Promise<Exclude<TestBehaviour, string>> {
    if (!(await this.authenticates(request))) return json(401, { error: 'invalid_client' });
    const token = request.form.get('token');
    if (token === null) return json(400, { error: 'invalid_request' });
    return json(200, this.opaqueTokens.has(token) ? this.opaqueTokens.get(token) : { active: false });
  }

  private async authenticates(request: TestServerRequest): Promise<boolean> {
    const client = this.client();
    if ('clientSecret' in client) {
      const pair = [client.clientId, client.clientSecret].map((part) => formEncode(part)).join(':');
      return request.headers['authorization'] === `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    if ('certificate' in client) {
      return (
        request.form.get('client_id') === client.clientId &&
        request.certificateThumbprint === client.certificate.thumbprint
      );
    }
    const assertion = request.form.get('client_assertion') ?? '';
    const options = { issuer: client.clientId, subject: client.clientId, audience: this.issuer };
    return jwtVerify(assertion, client.publicKey, { ...options, requiredClaims: ['exp', 'jti'] }).then(
      () => request.form.get('client_assertion_type') === JWT_BEARER,
      () => false,
    );
  }
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type CryptoKeyOfJose = Parameters<typeof exportSPKI>[0];

/** The first status is in the least significant bits of the first byte. */
function packed(statuses: readonly number[], bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((statuses.length * bits) / 8));
  for (const [index, status] of statuses.entries()) {
    const bit = index * bits;
    const at = Math.floor(bit / 8);
    bytes[at] = (bytes[at] ?? 0) | (status << (bit % 8));
  }
  return bytes;
}

function encode(part: object): string {
  return base64url.encode(JSON.stringify(part));
}

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function json(status: number, body: unknown): Exclude<TestBehaviour, string> {
  return { status, body: JSON.stringify(body) };
}

async function receive(
  request: IncomingMessage,
  endpoint: TestEndpoint | undefined,
): Promise<TestServerRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
  return {
    endpoint,
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    form: new URLSearchParams(Buffer.concat(chunks).toString()),
    ...(certificate === undefined
      ? {}
      : { certificateThumbprint: createHash('sha256').update(certificate.raw).digest('base64url') }),
  };
}
