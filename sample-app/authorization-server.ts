import { createPrivateKey, generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { LRUCache } from 'lru-cache';
import { type Adapter, type Configuration, type Context, errors, Provider } from 'oidc-provider';

/** What the authorization server needs to know. */
export interface AuthorizationServerSettings {
  /** @default `https://localhost:` and the port that it listens on */
  readonly issuer?: string;
  /** Its own certificate and key, and the CA of its clients' certificates (PEM). */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  /** The credentials with which the API introspects tokens. */
  readonly api: { readonly clientId: string; readonly clientSecret: string };
  /** The secret of partner1, which has no certificate. */
  readonly partnerSecret: string;
}

/** The API that tokens are for when a client names no `resource`. */
const RESOURCE = 'https://api.bank.example';
const SCOPE = 'accounts:read payments:read payments:write';
const SIGNING_ALGORITHM = 'ES256';

interface RegisteredClient {
  readonly clientId: string;
  readonly tokenFormat: 'jwt' | 'opaque';
  /** Seconds that its tokens live. */
  readonly tokenLifetime: number;
}

/** A client whose tokens are bound to the certificate by which it authenticates (RFC 8705). */
interface CertificateClient extends RegisteredClient {
  /** The subject of the certificate. */
  readonly subject: string;
}

const CERTIFICATE_CLIENTS: readonly CertificateClient[] = [
  { clientId: 'client1', subject: 'CN=client1', tokenFormat: 'jwt', tokenLifetime: 600 },
  { clientId: 'client2', subject: 'CN=client2', tokenFormat: 'jwt', tokenLifetime: 600 },
  { clientId: 'client1-opaque', subject: 'CN=client1', tokenFormat: 'opaque', tokenLifetime: 600 },
  { clientId: 'client2-opaque', subject: 'CN=client2', tokenFormat: 'opaque', tokenLifetime: 600 },
  // The demo shows with it what becomes of an expired token, without a long wait.
  { clientId: 'client1-short', subject: 'CN=client1', tokenFormat: 'jwt', tokenLifetime: 1 },
];

/** They have no certificate: each authenticates by its secret, and its tokens are bound to a key of DPoP (RFC 9449). */
const DPOP_CLIENTS: readonly RegisteredClient[] = [
  { clientId: 'partner1', tokenFormat: 'jwt', tokenLifetime: 600 },
  { clientId: 'partner1-opaque', tokenFormat: 'opaque', tokenLifetime: 600 },
];

/**
 * A real authorization server: clients authenticate by certificate (RFC 8705 §2.1) and get access tokens bound to it, or
 * by a secret, and get tokens bound to the key of their DPoP proof (RFC 9449 §5); JWT or opaque. Call `listen` on it.
 */
export function createAuthorizationServer(settings: AuthorizationServerSettings): Server {
  // Certificates are asked for, not required: the API introspects without one.
  const server = createServer({
    ...settings.tls,
    minVersion: 'TLSv1.2',
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.once('listening', () => {
    const issuer = settings.issuer ?? `https://localhost:${(server.address() as AddressInfo).port}`;
    server.on('request', new Provider(issuer, configuration(settings)).callback());
  });
  return server;
}

function configuration({ api, partnerSecret }: AuthorizationServerSettings): Configuration {
  return {
    adapter: createMemoryAdapter,
    clients: [
      ...CERTIFICATE_CLIENTS.map(mutualTlsClient),
      ...DPOP_CLIENTS.map((client) => dpopClient(client, partnerSecret)),
      introspectingClient(api),
    ],
    clientAuthMethods: ['tls_client_auth', 'client_secret_basic'],
    // The server has no RSA key for the default, RS256.
    clientDefaults: { id_token_signed_response_alg: SIGNING_ALGORITHM },
    jwks: { keys: [signingKey()] },
    scopes: SCOPE.split(' '),
    ttl: { ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 60 },
    features: {
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: clientCertificate,
        certificateAuthorized,
        certificateSubjectMatches: (context, property, expected) =>
          property === 'tls_client_auth_subject_dn' && clientCertificate(context)?.subject === expected,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: (_context, resource, { clientId }) => resourceServer(resource, clientId),
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_context, client) => client.clientId === api.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_context, client, token) => client.clientId === token.clientId,
      },
      // Nobody logs in here: clients act for themselves.
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
  };
}

/** What a client is registered with that acts for itself. */
const FOR_ITSELF = {
  scope: SCOPE,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
};

function mutualTlsClient({ clientId, subject }: CertificateClient): Record<string, unknown> {
  return {
    client_id: clientId,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: subject,
    tls_client_certificate_bound_access_tokens: true,
    ...FOR_ITSELF,
  };
}

function dpopClient({ clientId }: RegisteredClient, secret: string): Record<string, unknown> {
  return {
    client_id: clientId,
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    dpop_bound_access_tokens: true,
    ...FOR_ITSELF,
  };
}

function introspectingClient(api: AuthorizationServerSettings['api']): Record<string, unknown> {
  return {
    client_id: api.clientId,
    client_secret: api.clientSecret,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: [],
    response_types: [],
    redirect_uris: [],
  };
}

function resourceServer(resource: string, clientId: string) {
  const clients: readonly RegisteredClient[] = [...CERTIFICATE_CLIENTS, ...DPOP_CLIENTS];
  const client = clients.find((registered) => registered.clientId === clientId);
  if (resource !== RESOURCE || client === undefined) throw new errors.InvalidTarget();
  return {
    audience: RESOURCE,
    scope: SCOPE,
    accessTokenFormat: client.tokenFormat,
    accessTokenTTL: client.tokenLifetime,
    jwt: { sign: { alg: SIGNING_ALGORITHM } },
  };
}

function clientCertificate({ socket }: Context): X509Certificate | undefined {
  return socket.getPeerX509Certificate();
}

/** On Node 20 a resumed connection is `authorized` even without a certificate, so both are asked for. */
function certificateAuthorized(context: Context): boolean {
  return context.socket.authorized && clientCertificate(context) !== undefined;
}

function signingKey(): object {
  // In Node 20 the export of a key may wait for ever for what has made it: this one comes from its encoded form.
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  const key = createPrivateKey({ key: privateKey, type: 'pkcs8', format: 'der' });
  return { ...key.export({ format: 'jwk' }), use: 'sig', alg: SIGNING_ALGORITHM };
}

/** Keeps the opaque tokens in memory, the latest thousand of them. */
function createMemoryAdapter(): Adapter {
  const entries = new LRUCache<string, object>({ max: 1000 });
  return {
    async upsert(id, payload, expiresIn) {
      entries.set(id, payload, expiresIn === undefined ? {} : { ttl: expiresIn * 1000 });
    },
    async find(id) {
      return entries.get(id);
    },
    async destroy(id) {
      entries.delete(id);
    },
  };
}
