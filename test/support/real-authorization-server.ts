import { randomBytes } from 'node:crypto';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { type Configuration, type Context, Provider } from 'oidc-provider';
import { AUDIENCE, whenOver, type World } from './world.js';
import { newKeyPair } from './key-pair.js';

/** A real authorization server (oidc-provider) with one client that gets tokens, and one that introspects. */
export interface RealAuthorizationServer {
  readonly issuer: string;
  readonly port: number;
  /** Gets an opaque token, bound to this certificate. */
  opaqueToken(certificate: TestCertificate): Promise<string>;
}

/** What of Koa's context, which oidc-provider answers by, is needed to change an answer. */
export interface AnswerContext {
  readonly path: string;
  body: unknown;
  /** A header of the request; empty where there is none. */
  get(name: string): string;
  /** Sets a header of the answer. */
  set(name: string, value: string): void;
}

/** Comes before what answers. */
export type Middleware = (context: AnswerContext, next: () => Promise<void>) => Promise<void>;

/** What else a server may do than by itself. */
export interface RealServerOptions {
  /** Its name, for which no address need be known. */
  readonly host?: string;
  /** What is done to its answers. */
  readonly use?: Middleware;
}

/** @param introspectingClient metadata of the client `api` beside its id */
export async function startRealAuthorizationServer(
  world: World,
  introspectingClient: Readonly<Record<string, unknown>>,
  { host, use }: RealServerOptions = {},
): Promise<RealAuthorizationServer> {
  const { key, cert } =
    host === undefined ? world.server : await world.ca.issueServerCertificate({ hosts: [host] });
  const server = createServer({ key, cert, ca: world.ca.cert, requestCert: true, rejectUnauthorized: false });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const issuer = host === undefined ? `https://localhost:${port}` : `https://${host}`;
  const provider = new Provider(issuer, configuration(introspectingClient)) as Provider & {
    use(middleware: Middleware): void;
  };
  if (use !== undefined) provider.use(use);
  server.on('request', provider.callback());
  return { issuer, port, opaqueToken: async (certificate) => requestToken(issuer, world, certificate, port) };
}

/** Configuration of a provider whose client `client` gets opaque tokens with any certificate of our CA. */
export function configuration(introspectingClient: Readonly<Record<string, unknown>>): Configuration {
  const { privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });
  const noRedirects = { response_types: [], redirect_uris: [] };
  return {
    adapter: memoryAdapter,
    clients: [
      {
        client_id: 'client',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'any',
        tls_client_certificate_bound_access_tokens: true,
        grant_types: ['client_credentials'],
        scope: 'payments:read',
        ...noRedirects,
      },
      // A client without a certificate.
      {
        client_id: 'mobile',
        client_secret: 'mobile-secret',
        token_endpoint_auth_method: 'client_secret_basic',
        dpop_bound_access_tokens: true,
        grant_types: ['client_credentials'],
        scope: 'payments:read',
        ...noRedirects,
      },
      { client_id: 'api', grant_types: [], ...noRedirects, ...introspectingClient },
    ],
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'none',
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' },
    enabledJWA: { introspectionSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['HS256', 'ES256'] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    scopes: ['payments:read'],
    ttl: { ClientCredentials: 300 },
    features: {
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: (context: Context) => context.socket.getPeerX509Certificate(),
        certificateAuthorized: (context: Context) => context.socket.authorized,
        certificateSubjectMatches: () => true,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({
          audience: AUDIENCE,
          scope: 'payments:read',
          accessTokenFormat: 'opaque',
        }),
      },
      devInteractions: { enabled: false },
    },
  } as unknown as Configuration;
}

/** Works like the adapter of oidc-provider, but prints no warning. */
function memoryAdapter(): object {
  const entries = new Map<string, object>();
  return {
    upsert: async (id: string, payload: object) => entries.set(id, payload),
    find: async (id: string) => entries.get(id),
    destroy: async (id: string) => entries.delete(id),
  };
}

/** Gets a token of the client `client` at the token endpoint. */
export async function requestToken(
  issuer: string,
  { ca }: World,
  { key, cert }: TestCertificate,
  port = Number(new URL(issuer).port),
): Promise<string> {
  const form = 'grant_type=client_credentials&client_id=client&scope=payments:read';
  const body = await new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const call = request(`${issuer}/token`, {
      method: 'POST',
      // Its name may be known to nobody.
      hostname: '127.0.0.1',
      port,
      servername: new URL(issuer).hostname,
      headers: { ...headers, host: new URL(issuer).host },
      ca: ca.cert,
      key,
      cert,
      agent: false,
    });
    call.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    call.end(form);
  });
  const { access_token: token } = JSON.parse(body) as { access_token?: string };
  if (token === undefined) throw new Error(`no token: ${body}`);
  return token;
}
