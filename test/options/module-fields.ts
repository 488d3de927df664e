import { ROOT } from './root-certificate.js';
import { KEYS } from './wrong-values.js';

const AUDIENCE = 'https://api.example.com';
const ISSUER = 'https://as.example.com';
export const SECRET_32 = 'x'.repeat(32);
const SHARED = { store: { get: async () => undefined, set: async () => undefined }, secret: SECRET_32 };

/** Right options of `CertBoundAuthModule` with this server. */
export const withServer = (server: object): object => ({
  audience: AUDIENCE,
  authorizationServers: [{ issuer: ISSUER, ...server }],
});

/** Right options, with these beside the shortest ones. */
export const withOptions = (options: object): object => ({ ...withServer({}), ...options });

const client = (method: string, fields: object = {}): object =>
  withServer({ introspection: { clientAuthentication: { method, clientId: 'api', ...fields } } });

const HEADER = {
  from: 'header',
  header: 'x-cert',
  format: 'pem',
  trustedProxies: ['loopback'],
  trust: 'proxy',
};
const S = 'authorizationServers.0';
const I = `${S}.introspection`;
const A = `${I}.clientAuthentication`;

/** Every option of `CertBoundAuthModule`, those of each member of a union with right ones beside them. */
export const MODULE_FIELDS: readonly {
  readonly title: string;
  readonly right: object;
  readonly at: string;
  readonly fields: readonly string[];
}[] = [
  {
    title: 'options',
    right: withServer({}),
    at: '',
    fields: [
      'audience',
      'authorizationServers',
      'authorizationServers.0',
      'resolveAuthorizationServer',
      'binding',
      'introspectionOrder',
      'clientCertificate',
      'dpop',
      'reportUnbound',
      'clockTolerance',
      'tokenCache',
      'revocations',
      'session',
      'bootstrap',
      'streams',
      'messages',
      'publicPaths',
      'webSocketTickets',
      'scopeImplies',
      'protectedResource',
      'profile',
      'allowedOrigins',
      'interactionId',
      'policies',
      'realm',
      'exposeToken',
      'validate',
      'unknown',
    ],
  },
  {
    title: 'options with an unbound server',
    right: { ...withServer({ binding: 'if-bound' }) },
    at: '',
    fields: ['reportUnbound'],
  },
  {
    title: 'policies',
    right: withOptions({ policies: { staff: {} } }),
    at: 'policies',
    fields: ['partners', '__proto__', 'constructor', '', '1st', 'with space'],
  },
  {
    title: 'a policy',
    right: withOptions({ policies: { partners: {} } }),
    at: 'policies.partners',
    fields: [
      'audience',
      'authorizationServers',
      'resolveAuthorizationServer',
      'binding',
      'introspectionOrder',
      'clientCertificate',
      'dpop',
      'reportUnbound',
      'clockTolerance',
      'tokenCache',
      'scopeImplies',
      'protectedResource',
      'realm',
      'exposeToken',
      'validate',
      'publicPaths',
      'unknown',
    ],
  },
  {
    title: 'a server',
    right: withServer({}),
    at: S,
    fields: [
      'issuer',
      'jwt',
      'introspection',
      'audience',
      'binding',
      'claims',
      'tls',
      'http',
      'keyCache',
      'statusList',
      'unknown',
    ],
  },
  {
    title: 'a server without discovery',
    right: withServer({ jwt: { jwksUri: `${ISSUER}/jwks` } }),
    at: S,
    fields: ['issuer'],
  },
  {
    title: 'jwt',
    right: withServer({ jwt: {} }),
    at: `${S}.jwt`,
    fields: [
      'jwksUri',
      'jwks',
      'secret',
      'algorithms',
      'typ',
      'requiredClaims',
      'forbiddenClaims',
      'recognizedBy',
      'maxTokenAge',
      'unknown',
    ],
  },
  {
    title: 'jwt, http allowed',
    right: withServer({ jwt: {}, http: { allowLoopbackHttp: true } }),
    at: S,
    fields: ['jwt.jwksUri', 'issuer'],
  },
  {
    title: 'claims',
    right: withServer({ claims: {} }),
    at: `${S}.claims`,
    fields: ['scope', 'clientId', 'subject', 'unknown'],
  },
  {
    title: 'tls',
    right: withServer({ tls: {} }),
    at: `${S}.tls`,
    fields: ['ca', 'key', 'cert', 'unknown'],
  },
  {
    title: 'messages',
    right: withOptions({ messages: {} }),
    at: 'messages',
    fields: ['findCredentials', 'publicMethods', 'unknown'],
  },
  {
    title: 'revocations',
    right: withOptions({ revocations: {} }),
    at: 'revocations',
    fields: ['maxTokenLifetime', 'maxEntries', 'store', 'unknown'],
  },
  {
    title: 'session',
    right: withOptions({ session: { secrets: ['a secret of the sessions, of 32 bytes at least'] } }),
    at: 'session',
    fields: [
      'secrets',
      'secrets.0',
      'cookie',
      'lifetime',
      'idle',
      'csrfHeader',
      'origins',
      'origins.0',
      'unknown',
    ],
  },
  {
    title: 'webSocketTickets',
    right: withOptions({ webSocketTickets: {} }),
    at: 'webSocketTickets',
    fields: ['lifetime', 'store', 'unknown'],
  },
  {
    title: 'interactionId',
    right: withOptions({ interactionId: { missing: 'refuse', invalid: 'refuse' } }),
    at: 'interactionId',
    fields: ['missing', 'invalid', 'unknown'],
  },
  {
    title: 'protectedResource',
    right: withOptions({ protectedResource: { resource: AUDIENCE } }),
    at: 'protectedResource',
    fields: [
      'resource',
      'name',
      'documentation',
      'policyUri',
      'termsOfServiceUri',
      'scopesSupported',
      'authorizationDetailsTypes',
      'maxAge',
      'signWith',
      'unknown',
    ],
  },
  {
    title: 'protectedResource.signWith',
    right: withOptions({
      protectedResource: {
        resource: AUDIENCE,
        signWith: { key: KEYS.ec.privateKey, algorithm: 'ES256', issuer: AUDIENCE },
      },
    }),
    at: 'protectedResource.signWith',
    fields: ['key', 'algorithm', 'issuer', 'keyId', 'unknown'],
  },
  {
    title: 'http',
    right: withServer({ http: {} }),
    at: `${S}.http`,
    fields: [
      'connectTimeout',
      'timeout',
      'maxResponseSize',
      'maxConnections',
      'proxy',
      'allowLoopbackHttp',
      'unknown',
    ],
  },
  {
    title: 'keyCache',
    right: withServer({ keyCache: {} }),
    at: `${S}.keyCache`,
    fields: ['refreshAfter', 'maxAge', 'staleIfError', 'unknown'],
  },
  {
    title: 'keyCache with refreshAfter',
    right: withServer({ keyCache: { refreshAfter: 3600 } }),
    at: `${S}.keyCache`,
    fields: ['maxAge'],
  },
  {
    title: 'statusList',
    right: withServer({ statusList: {} }),
    at: `${S}.statusList`,
    fields: ['origins', 'maxAge', 'staleIfError', 'maxSize', 'unknown'],
  },
  {
    title: 'tokenCache',
    right: withOptions({ tokenCache: {} }),
    at: 'tokenCache',
    fields: ['maxEntries', 'maxSize', 'unknown'],
  },
  {
    title: 'messages',
    right: withOptions({ messages: {} }),
    at: 'messages',
    fields: ['findCredentials', 'publicMethods', 'unknown'],
  },
  {
    title: 'introspection by HTTP',
    right: client('client_secret_basic', { clientSecret: 's' }),
    at: I,
    fields: [
      'tokens',
      'audience',
      'cache',
      'revalidateAfter',
      'revalidateInBackground',
      'clientAuthentication',
      'endpoint',
      'parameters',
      'headers',
      'responseFormat',
      'introspect',
      'unknown',
    ],
  },
  {
    title: 'introspection in this process',
    right: withServer({ introspection: { introspect: async () => undefined } }),
    at: I,
    fields: [
      'tokens',
      'audience',
      'cache',
      'revalidateAfter',
      'revalidateInBackground',
      'introspect',
      'clientAuthentication',
      'endpoint',
      'parameters',
      'headers',
      'responseFormat',
      'unknown',
    ],
  },
  {
    title: 'introspection of JWTs',
    right: withServer({ introspection: { introspect: async () => undefined, tokens: 'all' } }),
    at: I,
    fields: ['revalidateAfter', 'revalidateInBackground'],
  },
  {
    title: 'introspection of JWTs that are not verified',
    right: withServer({ jwt: false, introspection: { introspect: async () => undefined, tokens: 'all' } }),
    at: I,
    fields: ['revalidateAfter'],
  },
  {
    title: 'cache',
    right: withServer({ introspection: { introspect: async () => undefined, cache: {} } }),
    at: `${I}.cache`,
    fields: ['ttl', 'negativeTtl', 'maxEntries', 'shared', 'unknown'],
  },
  {
    title: 'shared',
    right: withServer({ introspection: { introspect: async () => undefined, cache: { shared: SHARED } } }),
    at: `${I}.cache.shared`,
    fields: ['store', 'secret', 'unknown', 'store.get', 'store.set'],
  },
  ...(
    [
      ['client_secret_basic', { clientSecret: 's' }],
      ['client_secret_post', { clientSecret: 's' }],
      ['client_secret_jwt', { clientSecret: SECRET_32 }],
      ['private_key_jwt', { key: KEYS.ec.privateKey, algorithm: 'ES256' }],
      ['tls_client_auth', {}],
      ['self_signed_tls_client_auth', {}],
      ['none', {}],
      ['unknown_method', {}],
    ] as const
  ).map(([method, fields]) => ({
    title: `clientAuthentication by ${method}`,
    right: client(method, fields),
    at: A,
    fields: ['method', 'clientId', 'clientSecret', 'key', 'algorithm', 'keyId', 'unknown'],
  })),
  {
    title: 'clientCertificate from TLS',
    right: withOptions({ clientCertificate: { from: 'tls' } }),
    at: 'clientCertificate',
    fields: [
      'from',
      'trust',
      'policy',
      'revocation',
      'header',
      'format',
      'trustedProxies',
      'find',
      'unknown',
    ],
  },
  {
    title: 'clientCertificate from a header',
    right: withOptions({ clientCertificate: HEADER }),
    at: 'clientCertificate',
    fields: [
      'from',
      'header',
      'format',
      'trustedProxies',
      'trust',
      'chainHeader',
      'verifyHeader',
      'policy',
      'revocation',
      'find',
      'unknown',
    ],
  },
  {
    title: 'the CAs of a header',
    right: withOptions({ clientCertificate: { ...HEADER, trust: { ca: ROOT } } }),
    at: 'clientCertificate.trust',
    fields: ['ca', 'intermediates', 'partialChains', 'unknown'],
  },
  {
    title: 'clientCertificate from elsewhere',
    right: withOptions({ clientCertificate: { from: 'custom', find: () => undefined, trust: 'proxy' } }),
    at: 'clientCertificate',
    fields: ['from', 'find', 'trust', 'policy', 'revocation', 'header', 'chainHeader', 'unknown'],
  },
  {
    title: 'clientCertificate.policy',
    right: withOptions({ clientCertificate: { from: 'tls', policy: { principal: 'cn' } } }),
    at: 'clientCertificate.policy',
    fields: [
      'extendedKeyUsage',
      'issuers',
      'allow',
      'deny',
      'principal',
      'defaultPrincipal',
      'client',
      'profile',
      'unknown',
    ],
  },
  {
    title: 'revocation',
    right: withRevocation({ crl: { files: 'ca.crl' } }),
    at: 'clientCertificate.revocation',
    fields: ['mode', 'crl', 'ocsp', 'unknown'],
  },
  {
    title: 'revocation by lists',
    right: withRevocation({ crl: { files: 'ca.crl' } }),
    at: 'clientCertificate.revocation.crl',
    fields: ['files', 'hosts', 'privateNetworks', 'timeout', 'maxSize', 'unknown'],
  },
  {
    title: 'revocation by OCSP',
    right: withRevocation({ ocsp: { responder: 'http://ocsp.example.com/' } }),
    at: 'clientCertificate.revocation.ocsp',
    fields: ['responder', 'hosts', 'privateNetworks', 'timeout', 'maxAge', 'nonce', 'unknown'],
  },
  {
    title: 'dpop',
    right: withOptions({ dpop: { publicUrl: AUDIENCE } }),
    at: 'dpop',
    fields: [
      'publicUrl',
      'algorithms',
      'proofLifetime',
      'clockSkew',
      'maxProofLength',
      'nonce',
      'nonceSecret',
      'nonceLifetime',
      'replayStore',
      'unknown',
    ],
  },
];

function withRevocation(revocation: object): object {
  return withOptions({ clientCertificate: { from: 'tls', revocation } });
}

const withHeader = (source: object): object => withOptions({ clientCertificate: { ...HEADER, ...source } });
const withPolicy = (policy: object, source: object = { from: 'tls' }): object =>
  withOptions({ clientCertificate: { ...source, policy } });

/** What is right field by field and wrong together, and what is wrong in many places at once. */
export const MODULE_COMBINATIONS: readonly (readonly [title: string, options: unknown])[] = [
  ['no options', undefined],
  [
    'a policy for certificates that nobody vouches for',
    withPolicy({ principal: 'cn' }, { from: 'tls', trust: 'any' }),
  ],
  [
    'a policy for certificates that nobody vouches for, from a proxy',
    withHeader({ trust: 'any', policy: { allow: [{ cn: 'client' }] } }),
  ],
  ['a policy for PSD2 without issuers', withPolicy({ profile: 'psd2-qwac' })],
  [
    'a policy with keys of CAs that a proxy does not name',
    withHeader({ trust: 'proxy', policy: { issuers: [{ dn: 'CN=a' }, { spkiSha256: 'A'.repeat(43) }] } }),
  ],
  [
    'a policy with lists that are wrong in each entry',
    withPolicy({
      issuers: [
        7,
        {},
        { ca: 'x' },
        { dn: 'Example Bank' },
        { spkiSha256: 'x' },
        { dn: 'CN=a', ca: 'x' },
        { caFile: '/none.pem' },
        { caFile: ROOT },
      ],
      allow: [
        7,
        {},
        { cn: 7 },
        { cn: '' },
        { cn: undefined, o: undefined },
        { cn: 'client', o: undefined },
        { commonName: 'a' },
        { dn: 'CN=a, O=b' },
        { dn: 'CN=a+' },
        { dn: 'X=a' },
        { dn: String.raw`CN=a\zz` },
        { serialNumber: '0A' },
        { serialNumber: 'xyz', issuer: 'CN=a' },
        { thumbprint: 'x' },
        { ip: 'host' },
      ],
      deny: [],
    }),
  ],
  ['options that are null', null],
  ['options that are a list', []],
  ['options that are text', 'x'],
  ['empty options', {}],
  [
    'options of a class',
    new (class Options {
      readonly audience = 7;
      get authorizationServers(): unknown {
        return [
          {
            issuer: ISSUER,
            get unknown() {
              return 1;
            },
          },
        ];
      }
    })(),
  ],
  [
    'null and unknown fields everywhere',
    {
      zebra: 1,
      audience: null,
      authorizationServers: [
        {
          zebra: 1,
          issuer: null,
          jwt: { zebra: 1, typ: null, jwksUri: null },
          http: { zebra: 1, timeout: null },
          keyCache: { zebra: 1, staleIfError: null, maxAge: null },
          claims: { zebra: 1, subject: null, scope: null },
          tls: { zebra: 1, cert: null, ca: null },
          binding: null,
          audience: null,
          introspection: {
            zebra: 1,
            tokens: null,
            cache: { zebra: 1, shared: { zebra: 1, secret: null }, ttl: null },
            headers: null,
            endpoint: null,
            clientAuthentication: { zebra: 1, method: 'private_key_jwt', keyId: null },
          },
        },
        { introspection: { zebra: 1, introspect: null, cache: null, tokens: null, audience: null } },
        {
          introspection: {
            clientAuthentication: { method: 'client_secret_jwt', algorithm: null, zebra: 1 },
            audience: null,
            responseFormat: null,
            parameters: null,
          },
        },
        null,
      ],
      aardvark: undefined,
      validate: null,
      exposeToken: null,
      realm: null,
      bootstrap: null,
      tokenCache: { maxSize: null, zebra: 1, maxEntries: null },
      clockTolerance: null,
      reportUnbound: null,
      dpop: {
        replayStore: null,
        nonceLifetime: null,
        nonceSecret: null,
        nonce: null,
        maxProofLength: null,
        clockSkew: null,
        proofLifetime: null,
        algorithms: null,
        zebra: 1,
      },
      clientCertificate: { from: 'header', zebra: 1, verifyHeader: null, chainHeader: null },
      introspectionOrder: null,
      binding: null,
    },
  ],
  [
    'clientCertificate from elsewhere, all wrong',
    withOptions({ clientCertificate: { trust: null, find: null, from: 'custom', a: 1 } }),
  ],
  ['revocation behind a proxy that vouches', withHeader({ revocation: { crl: { files: 'ca.crl' } } })],
  [
    'revocation of certificates that nobody vouches for',
    withOptions({
      clientCertificate: { from: 'tls', trust: 'any', revocation: { crl: { files: 'ca.crl' } } },
    }),
  ],
  ['revocation without a source', withRevocation({})],
  [
    'revocation by hosts alone',
    withRevocation({ crl: { hosts: ['crl.example.com'] }, ocsp: { hosts: ['ocsp.example.com'] } }),
  ],
  ['revocation with empty sources', withRevocation({ crl: {}, ocsp: {} })],
  [
    'revocation, all wrong',
    withRevocation({
      mode: 'soft',
      crl: {
        files: '-----BEGIN X509 CRL-----',
        hosts: ['http://crl.example.com'],
        privateNetworks: ['10/8'],
      },
      ocsp: { responder: 'ldap://ocsp.example.com', hosts: ['OCSP.example.com', 'a b'], timeout: 0 },
    }),
  ],
  ['clientCertificate without from', withOptions({ clientCertificate: { a: 1, header: 'x' } })],
  ['several fields that do not exist', withOptions({ c: 1, a: undefined, b: null })],
  [
    'a policy and the module, wrong in the same place and in others',
    withOptions({
      audience: 7,
      realm: 'ü',
      policies: { partners: { realm: 'ö', audiance: 'x' }, staff: { audience: '', clockTolerance: -1 } },
    }),
  ],
  [
    'policies that break the profile of the module',
    withOptions({
      profile: 'mcp',
      audience: `${AUDIENCE}/mcp`,
      protectedResource: { resource: `${AUDIENCE}/mcp` },
      policies: {
        partners: { protectedResource: { resource: `${AUDIENCE}/partners` } },
        staff: { audience: `${AUDIENCE}/staff` },
      },
    }),
  ],
  [
    'a policy that is weaker than its profile',
    withOptions({ profile: 'fapi2', policies: { legacy: { binding: 'if-bound', clockTolerance: 5 } } }),
  ],
  [
    'a field wrong by itself, and contradictions, which wait',
    withServer({ issuer: 'x', jwt: { jwksUri: 'x', typ: 7 } }),
  ],
  [
    'several things of a server',
    withServer({
      issuer: 'x?',
      jwt: { jwksUri: 'http://x', typ: ['JWT', 'application/Logout+JWT'], algorithms: ['ES256'] },
      tls: { key: '-----BEGIN x' },
      keyCache: { refreshAfter: 601 },
      introspection: {
        endpoint: 'http://x',
        responseFormat: 'jwt',
        clientAuthentication: {
          method: 'client_secret_jwt',
          clientId: 'a',
          clientSecret: 'short',
          algorithm: 'HS512',
        },
        parameters: { TOKEN: 'x', client_id: 'x', fine: 'x' },
        headers: {
          Authorization: 'x',
          'Accept-Encoding': 'x',
          'Proxy-Authorization': 'x',
          'b a d': 'x',
          bad: 'ü€',
          fine: 'x',
        },
      },
    }),
  ],
  [
    'all groups of contradictions at once',
    {
      audience: 'a',
      authorizationServers: [
        { issuer: 'x', introspection: { introspect: async () => undefined } },
        { issuer: 'x', jwt: false },
        { issuer: ISSUER, jwt: false, introspection: { introspect: async () => undefined } },
      ],
      clientCertificate: {
        ...HEADER,
        header: 'b a d',
        chainHeader: 'cookie',
        verifyHeader: 'x',
        format: 'xfcc',
        trustedProxies: ['x', 'any', 7],
        trust: { ca: '-----BEGIN x' },
      },
      dpop: { publicUrl: ['x', 'https://a.example', 'http://b.example'] },
      reportUnbound: true,
    },
  ],
  [
    'an issuer twice',
    { audience: 'a', authorizationServers: [{ issuer: ISSUER }, { issuer: ISSUER }, { issuer: ISSUER }] },
  ],
  [
    'two servers with introspection',
    {
      audience: 'a',
      authorizationServers: [1, 2].map((n) => ({
        issuer: `${ISSUER}/${n}`,
        introspection: { introspect: async () => undefined },
      })),
    },
  ],
  [
    'two servers with introspection, in an order',
    {
      audience: 'a',
      introspectionOrder: 'by-configuration',
      authorizationServers: [1, 2].map((n) => ({
        issuer: `${ISSUER}/${n}`,
        introspection: { introspect: async () => undefined },
      })),
    },
  ],
  ['jwt: false without introspection', withServer({ jwt: false })],
  [
    'jwks and jwksUri',
    withServer({ jwt: { jwksUri: ISSUER, jwks: { keys: [KEYS.ec.publicKey.export({ format: 'jwk' })] } } }),
  ],
  [
    'jwks, jwksUri and secret',
    withServer({ jwt: { secret: SECRET_32, jwksUri: ISSUER, jwks: { keys: [{}] } } }),
  ],
  ['secret and algorithms', withServer({ jwt: { secret: SECRET_32, algorithms: ['ES256'] } })],
  [
    'jwks with a private key',
    withServer({
      jwt: {
        jwks: {
          keys: [KEYS.ec.publicKey.export({ format: 'jwk' }), KEYS.ec.privateKey.export({ format: 'jwk' })],
        },
      },
    }),
  ],
  ['jwks with a secret', withServer({ jwt: { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } } })],
  ['jwks with what is no key', withServer({ jwt: { jwks: { keys: [null] } } })],
  [
    'signed answers and a secret',
    withServer({
      jwt: { secret: SECRET_32 },
      introspection: { responseFormat: 'jwt', clientAuthentication: { method: 'none', clientId: 'a' } },
    }),
  ],
  [
    'signed answers, no JWTs and no discovery',
    withServer({
      issuer: 'x',
      jwt: false,
      introspection: {
        endpoint: ISSUER,
        responseFormat: 'jwt',
        clientAuthentication: { method: 'none', clientId: 'a' },
      },
    }),
  ],
  [
    'no JWTs, an endpoint, and an issuer that is no URL',
    withServer({
      issuer: 'x',
      jwt: false,
      introspection: { endpoint: ISSUER, clientAuthentication: { method: 'none', clientId: 'a' } },
    }),
  ],
  ['cert without key', withServer({ tls: { cert: '-----BEGIN x' } })],
  ['key and cert that are none', withServer({ tls: { key: '-----BEGIN x', cert: '-----BEGIN x' } })],
  ['a TLS method without a certificate', client('tls_client_auth')],
  ['a self-signed method without a certificate', client('self_signed_tls_client_auth')],
  ['HS384 with a short secret', client('client_secret_jwt', { clientSecret: SECRET_32, algorithm: 'HS384' })],
  [
    'an EC key for another curve',
    client('private_key_jwt', { key: KEYS.ec384.privateKey, algorithm: 'ES256' }),
  ],
  ['an RSA key for ES256', client('private_key_jwt', { key: KEYS.rsa.privateKey, algorithm: 'ES256' })],
  ['an EC key for EdDSA', client('private_key_jwt', { key: KEYS.ec.privateKey, algorithm: 'EdDSA' })],
  ['an EC key for PS256', client('private_key_jwt', { key: KEYS.ec.privateKey, algorithm: 'PS256' })],
  ['a public key', client('private_key_jwt', { key: KEYS.ec.publicKey, algorithm: 'ES256' })],
  [
    'a public JWK',
    client('private_key_jwt', { key: KEYS.ec.publicKey.export({ format: 'jwk' }), algorithm: 'ES256' }),
  ],
  ['text that is no key', client('private_key_jwt', { key: 'x', algorithm: 'ES256' })],
  ['refreshAfter beyond maxAge', withServer({ keyCache: { refreshAfter: 100, maxAge: 99 } })],
  ['header names twice', withHeader({ chainHeader: 'X-Cert', verifyHeader: { name: 'x-cert', value: 'x' } })],
  [
    'headers that mean something else',
    withHeader({ header: 'Cookie', chainHeader: 'dpop', verifyHeader: 'X-Forwarded-For' }),
  ],
  ['a name that is none', withHeader({ header: 'ü', chainHeader: 'a b', verifyHeader: ':' })],
  ['xfcc and a chain', withHeader({ format: { xfcc: { hop: 1 } }, chainHeader: 'x-chain' })],
  [
    'der without a list, and a chain',
    withHeader({ format: { der: { list: false } }, chainHeader: 'x-chain' }),
  ],
  ...[
    { xfcc: { hop: -1 } },
    { xfcc: { hop: 100 } },
    { xfcc: {} },
    { der: { list: true } },
    { der: {} },
    { der: { list: false }, xfcc: { hop: 1 } },
    'XFCC',
  ].map((format) => [`format ${JSON.stringify(format)}`, withHeader({ format })] as const),
  ...[
    { name: 'x' },
    { name: 'x', value: '' },
    { name: '', value: 'x' },
    { name: 'x', value: 'y', z: 1 },
    { name: 'x-v', value: 'y' },
  ].map(
    (verifyHeader) => [`verifyHeader ${JSON.stringify(verifyHeader)}`, withHeader({ verifyHeader })] as const,
  ),
  ...[
    { ca: [] },
    { ca: 'x' },
    { ca: ['-----BEGIN CERTIFICATE-----x'] },
    { ca: '-----BEGIN x' },
    { ca: 'x', b: 1 },
    { ca: ROOT, intermediate: ROOT, partialChain: true },
    { ca: ROOT, intermediates: [], partialChains: 'yes' },
    { ca: ROOT, intermediates: '-----BEGIN x' },
    {},
  ].map(
    (trust) =>
      [
        `trust ${JSON.stringify(trust).replaceAll(JSON.stringify(ROOT), 'ROOT')}`,
        withHeader({ trust }),
      ] as const,
  ),
  [
    'a custom source that trusts no CA',
    withOptions({
      clientCertificate: { from: 'custom', find: () => undefined, trust: { ca: '-----BEGIN x' } },
    }),
  ],
  [
    'proxies of every kind',
    withHeader({
      trustedProxies: [
        '10.0.0.1',
        '10.0.0.0/33',
        'x',
        '',
        7,
        null,
        {},
        { certificateThumbprint: 'x' },
        { certificateThumbprint: 'A'.repeat(43) },
        '::/0',
        'unix',
        'loopback',
      ],
    }),
  ],
  [
    'no servers, but a resolver',
    withOptions({ authorizationServers: [], resolveAuthorizationServer: () => undefined }),
  ],
  [
    'a policy with an empty list, beside the resolver of the module',
    withOptions({
      resolveAuthorizationServer: () => undefined,
      policies: { partners: { authorizationServers: [] } },
    }),
  ],
  [
    'a policy with a resolver alone',
    withOptions({ policies: { partners: { resolveAuthorizationServer: () => undefined } } }),
  ],
  [
    'reportUnbound where what is resolved may be unbound',
    withOptions({
      authorizationServers: [],
      resolveAuthorizationServer: () => undefined,
      binding: 'if-bound',
      reportUnbound: true,
    }),
  ],
  ['publicUrl by a function', withOptions({ dpop: { publicUrl: () => 'x' } })],
  ...[
    'https://a.example/b/',
    'http://127.0.0.1:1',
    'http://a.example',
    'https://a@b.example',
    'https://a.example/#x',
    'ftp://a.example',
  ].map((publicUrl) => [`publicUrl ${publicUrl}`, withOptions({ dpop: { publicUrl } })] as const),
  ['reportUnbound where nothing is unbound', withOptions({ reportUnbound: () => undefined })],
  [
    'reportUnbound where a server is bound otherwise',
    { ...withServer({ binding: 'required' }), binding: 'if-bound', reportUnbound: true },
  ],
  ['reportUnbound where the module is unbound', withOptions({ binding: 'if-bound', reportUnbound: true })],
];
