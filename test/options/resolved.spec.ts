import { Logger } from '@nestjs/common';
import {
  type CertBoundAuthOptions,
  type ForwardAuthOptions,
  forEntraId,
  forwardedBy,
  MemoryReplayStore,
} from 'nestjs-cert-bound-auth';
import { beforeEach, expect, test, vi } from 'vitest';
import { createCertificateSource } from '../../lib/client-certificate/certificate-source.js';
import { createDpopRules } from '../../lib/dpop/dpop-rules.js';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { HttpRequest } from '../../lib/request/http-request.js';
import { KEYS } from './wrong-values.js';
import { chainErrorOf } from '../support/chain-verdicts.js';

const API = 'https://api.example.com';
const AS = 'https://as.example.com';
const SECRET = 's'.repeat(32);
const STORE = { get: async () => undefined, set: async () => undefined };
// RFC 7517, appendix A.1
const JWKS = {
  keys: [
    {
      kty: 'EC',
      crv: 'P-256',
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    },
  ],
};

type Resolved = ReturnType<typeof resolveOptions>;

beforeEach(() => {
  vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
});

/** What an app is decided by: plain values, and of functions what they do. */
async function decidedBy({
  dpop,
  clientCertificate,
  validate,
  reportUnbound,
  policies,
  ...others
}: Resolved): Promise<unknown> {
  const ofPolicies = [...policies].map(
    async ([name, policy]) => [name, { ...policy, options: await decidedBy(policy.options) }] as const,
  );
  return plain({
    ...others,
    ...(policies.size === 0 ? {} : { policies: Object.fromEntries(await Promise.all(ofPolicies)) }),
    validate: validate === undefined ? undefined : validate({} as never, {}),
    reportUnbound: reportUnbound === undefined ? undefined : typeof reportUnbound,
    dpop: dpop === undefined ? undefined : dpopOf(createDpopRules(dpop)),
    clientCertificate: {
      from: clientCertificate.from,
      trust: clientCertificate.trust,
      finds: clientCertificate.from === 'tls' ? undefined : await found(clientCertificate),
    },
  });
}

function dpopOf({ publicBasesOf, keys: _keys, ...rules }: ReturnType<typeof createDpopRules>): unknown {
  const bases = publicBasesOf({ host: 'https://by.example/' } as never);
  return { ...rules, bases, replayStore: rules.replayStore.constructor.name, nonces: noncesOf(rules.nonces) };
}

function noncesOf(nonces: object | undefined): unknown {
  const { secret, windowLength } = { ...nonces } as {
    readonly secret?: Uint8Array;
    readonly windowLength?: number;
  };
  return secret?.every((byte) => byte === 's'.charCodeAt(0)) ? { secret, windowLength } : { windowLength };
}

/** What a source says of requests without a certificate, with one and from strangers. */
async function found(source: Resolved['clientCertificate']): Promise<unknown> {
  const find = createCertificateSource(source);
  const certificate = Buffer.from('MAA=', 'base64').toString('base64');
  const requests: readonly (readonly [peer: string, rawHeaders: readonly string[]])[] = [
    ['127.0.0.1', []],
    ['127.0.0.1', ['X-Cert', 'x', 'X-Verify', 'SUCCESS']],
    ['127.0.0.1', ['X-Cert', 'Hash=0000000000000000000000000000000000000000000000000000000000000000']],
    ['8.8.8.8', ['X-Cert', certificate]],
  ];
  return Promise.all(
    requests.map(async ([remoteAddress, rawHeaders]) => {
      try {
        const finding = find({ rawHeaders, socket: { remoteAddress } } as unknown as HttpRequest);
        if (finding.kind === 'none') return finding.detail;
        return await chainErrorOf(finding.certificate);
      } catch (error) {
        return (error as { readonly detail?: string }).detail;
      }
    }),
  );
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('latin1')}`;
  if (typeof value === 'function' || value === undefined) return typeof value;
  if (value === KEYS.ec.privateKey) return 'the private key';
  if (Array.isArray(value)) return value.map((item: unknown) => plain(item));
  if (value instanceof Map) return plain(Object.fromEntries(value as Map<string, unknown>));
  if (typeof value !== 'object' || value === null) return value;
  // What is undefined is not there: whether a member says so itself decides nothing.
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
}

function text(title: string, value: unknown): string {
  return `## ${title}\n${JSON.stringify(value, undefined, 2)}`;
}

const withServer = (server: object, options: object = {}): object => ({
  audience: API,
  authorizationServers: [{ issuer: AS, ...server }],
  ...options,
});
const client = (clientAuthentication: object, others: object = {}): object =>
  withServer({
    introspection: { clientAuthentication: { clientId: 'api', ...clientAuthentication }, ...others },
  });
const header = (source: object): object =>
  withServer(
    {},
    {
      clientCertificate: {
        from: 'header',
        header: 'X-Cert',
        format: 'pem',
        trustedProxies: ['loopback'],
        trust: 'proxy',
        ...source,
      },
    },
  );

/** Options by accessors of a class, which answer once. */
class OptionsOfClass {
  #asked = 0;
  readonly audience = [API];
  get authorizationServers(): unknown {
    return this.#asked++ === 0 ? [{ issuer: AS, http: Object.create({ timeout: 7 }) as object }] : undefined;
  }
  get realm(): string {
    return 'by a getter';
  }
  validate(): number {
    return this.#asked;
  }
}

const MODULE_OPTIONS: readonly (readonly [string, object])[] = [
  [
    'policies, which take over what they do not say',
    withServer(
      {},
      {
        realm: 'own',
        validate: () => 'a user of the module',
        dpop: {
          publicUrl: API,
          replayStore: new MemoryReplayStore(),
          nonce: 'required',
          nonceSecret: SECRET,
        },
        protectedResource: { resource: API },
        reportUnbound: false,
        policies: {
          partners: { realm: 'partners', dpop: { publicUrl: 'https://partners.example.com' } },
          legacy: { binding: 'if-bound', reportUnbound: true, validate: undefined, tokenCache: false },
        },
      },
    ),
  ],
  [
    'policies that take over the resolver of the module, or have servers or tenants of their own',
    {
      audience: API,
      authorizationServers: [],
      resolveAuthorizationServer: () => undefined,
      policies: {
        takesOver: { audience: 'other' },
        servers: { authorizationServers: [{ issuer: AS }] },
        tenants: { resolveAuthorizationServer: () => undefined },
      },
    },
  ],
  [
    'policies of the profile mcp, whose pages may all call',
    withServer(
      { audience: undefined },
      {
        audience: [API, 'https://partners.example.com'],
        profile: 'mcp',
        protectedResource: { resource: API },
        policies: { partners: { protectedResource: { resource: 'https://partners.example.com' } } },
      },
    ),
  ],
  [
    'policies of options by accessors of a class',
    Object.assign(new (class extends OptionsOfClass {})(), {
      policies: { partners: { audience: 'partners' } },
    }),
  ],
  ['the shortest', withServer({})],
  [
    'every option that is undefined',
    {
      audience: API,
      binding: undefined,
      introspectionOrder: undefined,
      clientCertificate: undefined,
      dpop: undefined,
      reportUnbound: undefined,
      clockTolerance: undefined,
      tokenCache: undefined,
      bootstrap: undefined,
      realm: undefined,
      exposeToken: undefined,
      validate: undefined,
      authorizationServers: [
        {
          issuer: AS,
          jwt: undefined,
          introspection: undefined,
          audience: undefined,
          binding: undefined,
          claims: undefined,
          tls: undefined,
          http: undefined,
          keyCache: undefined,
        },
      ],
    },
  ],
  [
    'empty groups',
    withServer(
      { jwt: {}, claims: {}, tls: {}, http: {}, keyCache: {} },
      { tokenCache: {}, clientCertificate: { from: 'tls' }, dpop: { publicUrl: API } },
    ),
  ],
  [
    'every group with members that are undefined',
    withServer(
      {
        jwt: {
          jwksUri: undefined,
          jwks: undefined,
          secret: undefined,
          algorithms: undefined,
          typ: undefined,
          requiredClaims: undefined,
          forbiddenClaims: undefined,
          maxTokenAge: undefined,
        },
        claims: { scope: undefined, clientId: undefined, subject: undefined },
        tls: { ca: undefined, key: undefined, cert: undefined },
        http: {
          connectTimeout: undefined,
          timeout: undefined,
          maxResponseSize: undefined,
          maxConnections: undefined,
          allowLoopbackHttp: undefined,
        },
        keyCache: { refreshAfter: undefined, maxAge: undefined, staleIfError: undefined },
        introspection: {
          introspect: async () => undefined,
          tokens: undefined,
          audience: undefined,
          cache: { ttl: undefined, negativeTtl: undefined, maxEntries: undefined, shared: undefined },
        },
      },
      {
        tokenCache: { maxEntries: undefined, maxSize: undefined },
        clientCertificate: { from: 'tls', trust: undefined },
        dpop: {
          publicUrl: API,
          algorithms: undefined,
          proofLifetime: undefined,
          clockSkew: undefined,
          maxProofLength: undefined,
          nonce: undefined,
          nonceSecret: undefined,
          nonceLifetime: undefined,
          replayStore: undefined,
        },
      },
    ),
  ],
  [
    'every option',
    {
      audience: [API, 'b'],
      binding: 'required',
      introspectionOrder: 'by-configuration',
      clientCertificate: { from: 'tls', trust: 'any' },
      dpop: {
        publicUrl: ['https://API.example.com:443/a/', 'http://localhost:1'],
        algorithms: ['ES256'],
        proofLifetime: 1,
        clockSkew: 2,
        maxProofLength: 256,
        nonce: 'required',
        nonceSecret: SECRET,
        nonceLifetime: 4,
        replayStore: new MemoryReplayStore(),
      },
      reportUnbound: true,
      clockTolerance: 0,
      tokenCache: { maxEntries: 1, maxSize: 2 },
      bootstrap: 'eager',
      realm: 'r',
      exposeToken: true,
      validate: () => 'user',
      authorizationServers: [
        {
          issuer: AS,
          jwt: {
            jwksUri: `${AS}/keys`,
            algorithms: ['PS256', 'EdDSA'],
            typ: ['JWT', 'application/AT+jwt'],
            requiredClaims: ['a'],
            forbiddenClaims: ['b'],
            maxTokenAge: 7,
          },
          introspection: {
            clientAuthentication: {
              method: 'private_key_jwt',
              clientId: 'api',
              key: KEYS.ec.privateKey,
              algorithm: 'ES256',
              keyId: 'k',
            },
            endpoint: `${AS}/introspect`,
            parameters: { p: 'q' },
            headers: { 'X-H': 'v' },
            responseFormat: 'jwt',
            tokens: 'all',
            audience: 'if-present',
            cache: {
              ttl: 1,
              negativeTtl: 2,
              maxEntries: 3,
              shared: { store: STORE, secret: Buffer.from(SECRET) },
            },
          },
          audience: 'other',
          binding: 'if-bound',
          claims: { scope: 'scp', clientId: 'azp', subject: 'uid' },
          tls: {},
          http: {
            connectTimeout: 1,
            timeout: 2,
            maxResponseSize: 3,
            maxConnections: 4,
            allowLoopbackHttp: true,
          },
          keyCache: { refreshAfter: 1, maxAge: 2, staleIfError: 3 },
        },
      ],
    },
  ],
  ['a list of audiences of a server', withServer({ audience: ['a', 'b'] }, { clockTolerance: 9 })],
  [
    'a server that keeps the policy of the module',
    withServer({}, { binding: 'if-bound', reportUnbound: () => undefined }),
  ],
  ['no token cache', withServer({}, { tokenCache: false, reportUnbound: false })],
  ['no JWTs', withServer({ jwt: false, introspection: { introspect: async () => undefined } })],
  [
    'no JWTs but signed answers',
    withServer({
      jwt: false,
      introspection: { responseFormat: 'jwt', clientAuthentication: { method: 'none', clientId: 'a' } },
    }),
  ],
  ['a fixed key set', withServer({ jwt: { jwks: JWKS } })],
  ['a secret of 32 bytes', withServer({ jwt: { secret: SECRET } })],
  ['a secret of 64 bytes', withServer({ jwt: { secret: new Uint8Array(64).fill(65) } })],
  ['tokens without a type', withServer({ jwt: { typ: false } })],
  ['tokens of one type', withServer({ jwt: { typ: 'JWT' } })],
  ['tokens of Entra ID', withServer(forEntraId)],
  ['a short maxAge', withServer({ keyCache: { maxAge: 100 } })],
  ['a long maxAge', withServer({ keyCache: { maxAge: 86_400 } })],
  ...['client_secret_basic', 'client_secret_post', 'client_secret_jwt'].map(
    (method) => [method, client({ method, clientSecret: SECRET })] as const,
  ),
  [
    'client_secret_jwt, HS384',
    client({ method: 'client_secret_jwt', clientSecret: 'x'.repeat(48), algorithm: 'HS384' }),
  ],
  ['private_key_jwt', client({ method: 'private_key_jwt', key: KEYS.ec.privateKey, algorithm: 'ES256' })],
  ['none', client({ method: 'none' }, { responseFormat: 'json' })],
  ['answers that are kept', withServer({ introspection: { introspect: async () => undefined, cache: {} } })],
  [
    'answers that are shared',
    withServer({
      introspection: {
        introspect: async () => undefined,
        cache: { shared: { store: STORE, secret: SECRET } },
      },
    }),
  ],
  [
    'dpop with a function and nonces instead of iat',
    withServer(
      {},
      {
        dpop: {
          publicUrl: ({ host }: { host: string }) => host,
          nonce: 'instead-of-iat',
          nonceSecret: Buffer.from(SECRET),
        },
      },
    ),
  ],
  ['dpop with nonces of random bytes', withServer({}, { dpop: { publicUrl: API, nonce: 'required' } })],
  ['a header', header({})],
  ['a header that nobody verifies', header({ trust: 'any', format: 'der', chainHeader: 'X-Chain' })],
  ['a header with a verdict', header({ format: 'xfcc', verifyHeader: 'X-Verify' })],
  [
    'a header with a verdict of another value',
    header({ format: { xfcc: { hop: 0 } }, verifyHeader: { name: 'X-Verify', value: 'OK' } }),
  ],
  [
    'a header as nginx sends it',
    withServer(
      {},
      {
        clientCertificate: forwardedBy.nginx({
          trustedProxies: ['loopback'],
          header: 'X-Cert',
          verifyHeader: 'X-Verify',
        }),
      },
    ),
  ],
  [
    'a source of its own',
    withServer({}, { clientCertificate: { from: 'custom', find: () => undefined, trust: 'proxy' } }),
  ],
  ['options of a class', new OptionsOfClass()],
];

test('what each right configuration of CertBoundAuthModule is decided by is as it is written down', async () => {
  const parts: string[] = [];
  for (const [title, options] of MODULE_OPTIONS) {
    parts.push(text(title, await decidedBy(resolveOptions(options as CertBoundAuthOptions))));
  }
  await expect(parts.join('\n\n')).toMatchFileSnapshot('module-resolved.txt');
});

const forward = (options: object, policies: object = { a: {} }): object => ({
  trustedProxies: ['loopback'],
  audience: API,
  authorizationServers: [{ issuer: AS }],
  policies,
  ...options,
});

const FORWARD_AUTH_OPTIONS: readonly (readonly [string, object])[] = [
  ['the shortest', forward({})],
  ...['nginx', 'caddy', 'traefik', 'envoy'].map((proxy) => [proxy, forward({ proxy, path: '/x/' })] as const),
  [
    'every rule beside the policies',
    forward({
      binding: 'if-bound',
      introspectionOrder: 'by-configuration',
      dpop: { publicUrl: API },
      reportUnbound: true,
      clockTolerance: 1,
      tokenCache: false,
      realm: 'r',
      clientCertificate: { from: 'custom', find: () => undefined, trust: 'any' },
      senderConstrained: 'dpop',
      token: { header: 'X-Token', prefix: 'Token ' },
      credentialHeaders: { 'X-Tenant': 'tenant.id' },
      phantomToken: { from: 'key', key: KEYS.ec.privateKey, algorithm: 'ES256', issuer: 'me' },
    }),
  ],
  [
    'every rule in a policy',
    forward(
      {},
      {
        a: {
          audience: ['p'],
          binding: 'if-bound',
          introspectionOrder: 'by-configuration',
          dpop: { publicUrl: API },
          reportUnbound: true,
          clockTolerance: 1,
          tokenCache: { maxEntries: 1 },
          realm: 'r',
          clientCertificate: {
            from: 'header',
            header: 'X-Cert',
            format: 'der',
            trust: 'any',
            trustedProxies: ['10.0.0.1'],
          },
          senderConstrained: ['dpop', 'certificate'],
          token: { cookie: 'c' },
          credentialHeaders: { 'X-A': 'a', 'X-B': 'b' },
          scopes: ['s', 't'],
          anyScope: ['u'],
          phantomToken: {
            from: 'key',
            key: KEYS.ec.privateKey,
            algorithm: 'ES256',
            issuer: 'me',
            header: 'X-Jwt',
            keyId: 'k',
            audience: ['x'],
            lifetime: 5,
            claims: ['c'],
          },
        },
        b: { token: { unsafeQuery: 'q' }, scopes: [], credentialHeaders: { 'x-a': 'a', 'X-C': 'c' } },
      },
    ),
  ],
  [
    'a policy that says something else',
    forward(
      { realm: 'r', binding: 'if-bound', reportUnbound: true, token: { cookie: 'c' } },
      {
        a: { realm: 's', binding: 'required' },
        b: { realm: undefined, token: { header: 'X-T' } },
      },
    ),
  ],
  [
    'an answer as phantom token',
    forward({
      phantomToken: { from: 'introspection' },
      authorizationServers: [
        {
          issuer: AS,
          jwt: false,
          introspection: { responseFormat: 'jwt', clientAuthentication: { method: 'none', clientId: 'a' } },
        },
      ],
    }),
  ],
];

test('what each right configuration of ForwardAuthModule is decided by is as it is written down', async () => {
  const parts: string[] = [];
  for (const [title, options] of FORWARD_AUTH_OPTIONS) {
    const { policies, ...resolved } = resolveForwardAuth(options as ForwardAuthOptions);
    const decided = await Promise.all(
      [...policies].map(
        async ([name, { options: core, ...policy }]) =>
          [name, { ...policy, options: await decidedBy(core) }] as const,
      ),
    );
    parts.push(text(title, plain({ ...resolved, policies: Object.fromEntries(decided) })));
  }
  await expect(parts.join('\n\n')).toMatchFileSnapshot('forward-auth-resolved.txt');
});
