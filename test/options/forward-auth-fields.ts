import { type MODULE_COMBINATIONS, type MODULE_FIELDS, SECRET_32 } from './module-fields.js';
import { KEYS } from './wrong-values.js';

const SERVER = { issuer: 'https://as.example.com' };
const RIGHT = {
  trustedProxies: ['loopback'],
  audience: 'https://api.example.com',
  authorizationServers: [SERVER],
  policies: { a: {} },
};
const PUBLIC_URL = { publicUrl: 'https://api.example.com' };
const HEADER = { from: 'header', header: 'x-cert', format: 'pem', trust: 'proxy' };
const MINTED = {
  from: 'key',
  key: KEYS.ec.privateKey,
  algorithm: 'ES256',
  issuer: 'https://gateway.example',
};
const SIGNING = {
  ...SERVER,
  jwt: false,
  introspection: { responseFormat: 'jwt', clientAuthentication: { method: 'none', clientId: 'a' } },
};

/** Options whose one policy has these fields. */
const policy = (fields: object): object => ({ ...RIGHT, policies: { a: fields } });
const beside = (fields: object): object => ({ ...RIGHT, ...fields });

const RULES = [
  'audience',
  'authorizationServers',
  'binding',
  'introspectionOrder',
  'dpop',
  'reportUnbound',
  'clockTolerance',
  'tokenCache',
  'realm',
  'scopeImplies',
  'clientCertificate',
  'senderConstrained',
  'token',
  'credentialHeaders',
  'phantomToken',
  'scopes',
  'anyScope',
  'psd2Roles',
  'certificateIssuedBy',
  'allowAnonymous',
  'protectedResource',
  'bootstrap',
  'exposeToken',
  'validate',
  'unknown',
];

/** Every option of `ForwardAuthModule`, beside the policies and in one. */
export const FORWARD_AUTH_FIELDS: typeof MODULE_FIELDS = [
  {
    title: 'options',
    right: RIGHT,
    at: '',
    fields: ['path', 'trustedProxies', 'proxy', 'policies', 'revocations', 'session', ...RULES],
  },
  {
    title: 'options for Envoy',
    right: beside({ proxy: 'envoy' }),
    at: '',
    fields: ['clientCertificate', 'dpop'],
  },
  {
    title: 'policies',
    right: RIGHT,
    at: 'policies',
    fields: ['a', 'b', 'a/b', '..', '', '~-_', 'constructor'],
  },
  { title: 'a policy', right: policy({}), at: 'policies.a', fields: [...RULES, 'path', 'proxy', 'policies'] },
  {
    title: 'a policy with DPoP',
    right: policy({ dpop: PUBLIC_URL }),
    at: 'policies.a',
    fields: ['senderConstrained', 'dpop.publicUrl', 'dpop.nonce', 'dpop.unknown'],
  },
  ...[
    { title: 'token in a header', right: policy({ token: { header: 'x-token' } }), at: 'policies.a.token' },
    { title: 'token in a cookie', right: policy({ token: { cookie: 'token' } }), at: 'policies.a.token' },
    {
      title: 'token in the query',
      right: policy({ token: { unsafeQuery: 'token' } }),
      at: 'policies.a.token',
    },
  ].map((place) => ({ ...place, fields: ['header', 'prefix', 'cookie', 'unsafeQuery', 'unknown'] })),
  {
    title: 'credentialHeaders',
    right: policy({ credentialHeaders: {} }),
    at: 'policies.a.credentialHeaders',
    fields: ['X-Tenant', 'b a d', '', 'Authorization', 'x-credential-SUB', 'location', '__proto__'],
  },
  {
    title: 'what is told of the API of a policy',
    right: policy({ protectedResource: { resource: 'https://api.example.com/a' } }),
    at: 'policies.a.protectedResource',
    fields: ['resource', 'scopesSupported', 'maxAge', 'signWith', 'unknown'],
  },
  {
    title: 'a phantom token that is made here',
    right: policy({ phantomToken: MINTED }),
    at: 'policies.a.phantomToken',
    fields: [
      'from',
      'header',
      'key',
      'algorithm',
      'keyId',
      'issuer',
      'audience',
      'lifetime',
      'claims',
      'unknown',
    ],
  },
  {
    title: 'a phantom token that is an answer',
    right: policy({ phantomToken: { from: 'introspection' }, authorizationServers: [SIGNING] }),
    at: 'policies.a.phantomToken',
    fields: ['from', 'header', 'key', 'algorithm', 'issuer', 'unknown'],
  },
  {
    title: 'the servers of a phantom token',
    right: policy({ phantomToken: { from: 'introspection' }, authorizationServers: [SIGNING] }),
    at: 'policies.a.authorizationServers.0',
    fields: ['jwt', 'introspection', 'introspection.responseFormat', 'introspection.tokens'],
  },
  {
    title: 'the header of a policy’s certificate',
    right: policy({ clientCertificate: HEADER }),
    at: 'policies.a.clientCertificate',
    fields: ['from', 'header', 'format', 'trust', 'trustedProxies', 'chainHeader', 'verifyHeader', 'unknown'],
  },
  {
    title: 'the header of all policies’ certificate',
    right: beside({ clientCertificate: HEADER }),
    at: 'clientCertificate',
    fields: ['from', 'header', 'trust', 'trustedProxies', 'unknown'],
  },
];

const TWO = { a: {}, b: {} };

export const FORWARD_AUTH_COMBINATIONS: typeof MODULE_COMBINATIONS = [
  ['no options', undefined],
  ['options that are null', null],
  ['options that are a list', []],
  ['empty options', {}],
  [
    'unknown fields, and scopes beside the policies, in order',
    beside({ z: 1, anyScope: 1, b: undefined, scopes: ['a'], a: null }),
  ],
  [
    'everything beside the policies is wrong',
    { zebra: 1, policies: null, proxy: null, trustedProxies: null, path: null, scopes: null, realm: null },
  ],
  [
    'everything beside the policies is wrong, with a policy',
    {
      zebra: 1,
      policies: { a: {} },
      proxy: null,
      trustedProxies: null,
      path: null,
      realm: null,
      audience: null,
      binding: null,
      authorizationServers: null,
      introspectionOrder: null,
      dpop: null,
      reportUnbound: null,
      clockTolerance: null,
      tokenCache: null,
      clientCertificate: null,
      senderConstrained: null,
      token: null,
      credentialHeaders: null,
      phantomToken: null,
    },
  ],
  [
    'everything in a policy is wrong',
    policy({
      zebra: 1,
      realm: null,
      audience: null,
      binding: null,
      scopes: null,
      anyScope: null,
      path: null,
      authorizationServers: null,
      introspectionOrder: null,
      dpop: null,
      reportUnbound: null,
      clockTolerance: null,
      tokenCache: null,
      clientCertificate: null,
      senderConstrained: null,
      token: null,
      credentialHeaders: null,
      phantomToken: null,
    }),
  ],
  [
    'what all policies take over is wrong once',
    beside({
      realm: 7,
      senderConstrained: 'x',
      dpop: {},
      token: {},
      credentialHeaders: { Location: 'x' },
      phantomToken: {},
      policies: TWO,
    }),
  ],
  [
    'two policies are wrong in their own ways',
    beside({
      realm: 'ü',
      policies: {
        a: { realm: 7, scopes: 'x' },
        b: { anyScope: [], dpop: {} },
        'c/d': { realm: 7 },
        e: null,
        f: { x: 1 },
      },
    }),
  ],
  ['a policy replaces what is wrong', beside({ realm: 7, policies: { a: { realm: 'r' } } })],
  ['undefined in a policy says nothing', beside({ realm: 7, policies: { a: { realm: undefined } } })],
  [
    'two documents at one path',
    beside({
      policies: {
        a: { protectedResource: { resource: 'https://api.example.com/a' } },
        b: { protectedResource: { resource: 'https://other.example.com/a?b' } },
      },
    }),
  ],
  [
    'a document below the endpoint',
    {
      ...policy({ protectedResource: { resource: 'https://api.example.com/a' } }),
      path: '/.well-known/oauth-protected-resource',
    },
  ],
  ['a document beside the policies', beside({ protectedResource: { resource: 'https://api.example.com' } })],
  ['scopes of every kind', policy({ scopes: ['a', 'b"'], anyScope: ['ü'] })],
  ['no scopes', policy({ scopes: [] })],
  ['roles beside the policies', beside({ psd2Roles: ['PSP_PI'], certificateIssuedBy: [{ dn: 'CN=a' }] })],
  [
    'roles without the profile',
    policy({ psd2Roles: ['PSP_PI'], clientCertificate: { ...HEADER, policy: {} } }),
  ],
  ['roles of every kind', policy({ psd2Roles: ['PSP_PI', 'PSP_XX'] })],
  [
    'roles with the profile',
    policy({
      psd2Roles: ['PSP_PI'],
      clientCertificate: { ...HEADER, policy: { profile: 'psd2-qwac', issuers: [{ dn: 'CN=a' }] } },
    }),
  ],
  ['no issuers', policy({ certificateIssuedBy: [] })],
  ['issuers of every kind', policy({ certificateIssuedBy: [{ dn: 'CN=a' }, { dn: 'a' }, {}, 'CN=a'] })],
  [
    'issuers where any certificate is trusted',
    policy({ certificateIssuedBy: [{ dn: 'CN=a' }], clientCertificate: { ...HEADER, trust: 'any' } }),
  ],
  ['constraints of every kind', policy({ senderConstrained: ['certificate', 'x'] })],
  ['dpop is asked for and off', policy({ senderConstrained: 'dpop' })],
  ['dpop is asked for beside the policies and off', beside({ senderConstrained: ['certificate', 'dpop'] })],
  ['certificates from TLS beside the policies', beside({ clientCertificate: { from: 'tls' } })],
  [
    'certificates from TLS in a policy, with more',
    policy({ clientCertificate: { from: 'tls', trust: 'x', y: 1 } }),
  ],
  ['a header without proxies anywhere', { ...RIGHT, trustedProxies: undefined, clientCertificate: HEADER }],
  [
    'a header with proxies of its own that are wrong',
    { ...RIGHT, trustedProxies: undefined, clientCertificate: { ...HEADER, trustedProxies: ['x'] } },
  ],
  [
    'a policy whose header has proxies of its own',
    policy({ clientCertificate: { ...HEADER, trustedProxies: ['x', '10.0.0.1', '::/0'] } }),
  ],
  [
    'proxies that are wrong, which headers take over',
    beside({ trustedProxies: ['x', 7], clientCertificate: HEADER }),
  ],
  ['a place of a token with two names', policy({ token: { header: 'x-a', cookie: 'a' } })],
  [
    'a place of a token with one name and one that is undefined',
    policy({ token: { header: 'x-a', cookie: undefined, unknown: undefined } }),
  ],
  ['a place of a token of no kind', policy({ token: { prefix: 'x' } })],
  ['a cookie with a prefix', policy({ token: { cookie: 'a', prefix: 'x' } })],
  ['a header and a prefix, both wrong', policy({ token: { header: 'Authorization', prefix: 'ü' } })],
  [
    'headers twice',
    policy({
      credentialHeaders: {
        'X-A': 'a',
        'x-a': 'b',
        'X-B': '',
        'b a d': 'x',
        Host: 'x',
        'X-Credential-Sub': 'x',
      },
    }),
  ],
  [
    'a phantom token in a header that is taken',
    policy({ credentialHeaders: { 'X-A': 'a' }, phantomToken: { ...MINTED, header: 'x-a' } }),
  ],
  [
    'a phantom token in a header of ours',
    policy({ phantomToken: { ...MINTED, header: 'X-Credential-Sub' } }),
  ],
  [
    'a phantom token that is all wrong',
    policy({
      phantomToken: {
        from: 'key',
        z: 1,
        y: undefined,
        header: 'y',
        key: null,
        issuer: '',
        keyId: 7,
        audience: [],
        lifetime: 0,
        claims: [],
        algorithm: 'HS256',
      },
    }),
  ],
  ['a phantom token with a key of another kind', policy({ phantomToken: { ...MINTED, algorithm: 'PS256' } })],
  ['a phantom token with text that is no key', policy({ phantomToken: { ...MINTED, key: 'x' } })],
  [
    'a phantom token with an algorithm that is none, and no key',
    policy({ phantomToken: { ...MINTED, key: undefined, algorithm: undefined } }),
  ],
  [
    'an answer as phantom token, with more',
    policy({ phantomToken: { from: 'introspection', key: 1, header: '' } }),
  ],
  [
    'an answer as phantom token, of servers that do not sign',
    beside({ phantomToken: { from: 'introspection' } }),
  ],
  [
    'an answer as phantom token, without servers',
    { ...RIGHT, authorizationServers: undefined, phantomToken: { from: 'introspection' } },
  ],
  [
    'an answer as phantom token, of servers of which one does not sign',
    policy({
      phantomToken: { from: 'introspection' },
      authorizationServers: [SIGNING, { issuer: 'https://b.example' }],
    }),
  ],
  [
    'an answer as phantom token, of a server that signs all',
    policy({
      phantomToken: { from: 'introspection' },
      authorizationServers: [
        { ...SIGNING, jwt: {}, introspection: { ...SIGNING.introspection, tokens: 'all' } },
      ],
    }),
  ],
  ['reportUnbound where no policy is unbound', beside({ reportUnbound: true })],
  ['reportUnbound of a policy that is bound', policy({ reportUnbound: true })],
  [
    'reportUnbound where one policy is unbound',
    beside({ reportUnbound: true, policies: { a: { binding: 'if-bound' }, b: {} } }),
  ],
  [
    'a server beside the policies is wrong',
    beside({
      authorizationServers: [{ issuer: 'x', jwt: { secret: SECRET_32, algorithms: ['x'] } }],
      policies: TWO,
    }),
  ],
  ['a server of a policy is wrong', policy({ authorizationServers: [{ issuer: 'x', unknown: 1 }] })],
  ...['nginx', 'caddy', 'traefik', 'envoy'].map(
    (proxy) => [`the defaults for ${proxy}`, beside({ proxy })] as const,
  ),
  ...['/auth/', '/a/b', '/a b', '/', '//', '/a?b', 'auth'].map(
    (path) => [`path ${path}`, beside({ path })] as const,
  ),
];
