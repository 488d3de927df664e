/**
 * The table of requests that every cell of the matrix runs. Plain data: the apps send them and print what came back,
 * the spec compares.
 */

/** Whose certificate a client presents: the one that the tokens are bound to, another one of the same CA, or none. */
export type ClientName = 'mine' | 'other' | 'none';

/** `other` is bound to the other certificate, the rest to mine, but for `unbound` and `unknownOpaque`. */
export type TokenName = 'read' | 'write' | 'other' | 'unbound' | 'opaque' | 'unknownOpaque';

/** `forRoot` protects every route; `forRootAsync` has `globalGuards: false`. */
export type AppName = 'forRoot' | 'forRootAsync';

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: unknown;
  readonly allowOrigin?: string;
  readonly exposeHeaders?: string;
}

/** One request, and its answer. */
export interface Exchange {
  readonly method?: 'GET' | 'POST' | 'OPTIONS';
  readonly path: string;
  readonly token?: TokenName;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer: Answer;
}

/** Requests on one connection: one after another with HTTP/1.1, all at once with HTTP/2. */
export interface Row {
  readonly name: string;
  readonly app: AppName;
  readonly client: ClientName;
  readonly exchanges: readonly Exchange[];
}

const LISTED: Answer = { status: 200, challenge: null, body: { paymentsOf: 'client-1' } };
const CREATED: Answer = {
  status: 201,
  challenge: null,
  body: { initiatedBy: 'CN=mine', isMine: true, chainVerified: true },
};
const PASSED_PASSPORT: Answer = { status: 200, challenge: null, body: { user: 'user-1' } };
const NO_TOKEN: Answer = {
  status: 401,
  challenge: 'Bearer',
  body: { statusCode: 401, error: 'Unauthorized', message: 'An access token is required' },
};
const INVALID_TOKEN: Answer = {
  status: 401,
  challenge:
    'Bearer error="invalid_token", error_description="The access token is not valid, or not bound to a key that the caller has proved"',
  body: {
    statusCode: 401,
    error: 'invalid_token',
    message: 'The access token is not valid, or not bound to a key that the caller has proved',
  },
};
const INSUFFICIENT_SCOPE: Answer = {
  status: 403,
  challenge:
    'Bearer error="insufficient_scope", error_description="The access token does not have the scope that this resource needs", scope="payments:read payments:write"',
  body: {
    statusCode: 403,
    error: 'insufficient_scope',
    message: 'The access token does not have the scope that this resource needs',
  },
};
const THERE: Answer = { status: 200, challenge: null, body: 'there' };
const HEALTHY: Answer = { status: 200, challenge: null, body: 'ok' };

const list = (token: TokenName | undefined, answer: Answer): Exchange => ({
  path: '/payments',
  ...(token === undefined ? {} : { token }),
  answer,
});
const other = (token: TokenName | undefined, answer: Answer): Exchange => ({
  ...list(token, answer),
  path: '/other',
});
const create = (token: TokenName, answer: Answer): Exchange => ({
  method: 'POST',
  path: '/payments',
  token,
  answer,
});
const passport = (token: TokenName | undefined, answer: Answer): Exchange => ({
  ...list(token, answer),
  path: '/passport',
});
const health: Exchange = { path: '/payments/health', answer: HEALTHY };

/** The origin that the app's CORS settings admit. */
export const ORIGIN = 'https://bank.example.com';

const CERTIFICATES: readonly Row[] = [
  { name: 'its certificate', app: 'forRoot', client: 'mine', exchanges: [list('read', LISTED)] },
  { name: 'another certificate', app: 'forRoot', client: 'other', exchanges: [list('read', INVALID_TOKEN)] },
  { name: 'no certificate', app: 'forRoot', client: 'none', exchanges: [list('read', INVALID_TOKEN)] },
  { name: 'unbound token', app: 'forRoot', client: 'mine', exchanges: [list('unbound', INVALID_TOKEN)] },
  { name: '@ClientCertificate', app: 'forRoot', client: 'mine', exchanges: [create('write', CREATED)] },
];

const ROUTES: readonly Row[] = [
  { name: 'no token', app: 'forRoot', client: 'mine', exchanges: [list(undefined, NO_TOKEN)] },
  { name: 'wrong scope', app: 'forRoot', client: 'mine', exchanges: [create('read', INSUFFICIENT_SCOPE)] },
  { name: 'no handler of Nest', app: 'forRoot', client: 'mine', exchanges: [other('read', THERE)] },
  {
    name: 'no handler of Nest, no token',
    app: 'forRoot',
    client: 'mine',
    exchanges: [other(undefined, NO_TOKEN)],
  },
  {
    name: 'no handler of Nest, no token, globalGuards: false',
    app: 'forRootAsync',
    client: 'none',
    exchanges: [other(undefined, THERE)],
  },
  {
    name: 'a path that nothing is at, no token',
    app: 'forRoot',
    client: 'none',
    exchanges: [{ path: '/nowhere', answer: NO_TOKEN }],
  },
  { name: 'public', app: 'forRoot', client: 'mine', exchanges: [health] },
  { name: 'public, no certificate', app: 'forRoot', client: 'none', exchanges: [health] },
];

const OPAQUE: readonly Row[] = [
  { name: 'opaque token', app: 'forRoot', client: 'mine', exchanges: [list('opaque', LISTED)] },
  {
    name: 'opaque token, another certificate',
    app: 'forRoot',
    client: 'other',
    exchanges: [list('opaque', INVALID_TOKEN)],
  },
  {
    name: 'unknown opaque token',
    app: 'forRoot',
    client: 'mine',
    exchanges: [list('unknownOpaque', INVALID_TOKEN)],
  },
];

const CONNECTIONS: readonly Row[] = [
  {
    name: 'two tokens on one connection',
    app: 'forRoot',
    client: 'mine',
    exchanges: [list('read', LISTED), create('write', CREATED), list('other', INVALID_TOKEN)],
  },
  {
    name: "another certificate's connection",
    app: 'forRoot',
    client: 'other',
    exchanges: [list('other', LISTED), list('read', INVALID_TOKEN), list('other', LISTED)],
  },
];

const CORS: readonly Row[] = [
  {
    name: 'preflight, no certificate',
    app: 'forRoot',
    client: 'none',
    exchanges: [
      {
        method: 'OPTIONS',
        path: '/payments',
        headers: {
          origin: ORIGIN,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
        },
        answer: { status: 204, challenge: null, body: '', allowOrigin: ORIGIN },
      },
    ],
  },
  {
    name: 'a refusal shows its challenge to a browser',
    app: 'forRoot',
    client: 'mine',
    exchanges: [
      {
        ...list(undefined, { ...NO_TOKEN, allowOrigin: ORIGIN, exposeHeaders: 'WWW-Authenticate' }),
        headers: { origin: ORIGIN },
      },
    ],
  },
];

const ASYNC: readonly Row[] = [
  {
    name: 'forRootAsync',
    app: 'forRootAsync',
    client: 'mine',
    exchanges: [list('read', LISTED), create('read', INSUFFICIENT_SCOPE), list('opaque', LISTED)],
  },
  {
    name: 'forRootAsync, another certificate',
    app: 'forRootAsync',
    client: 'other',
    exchanges: [list('read', INVALID_TOKEN)],
  },
  {
    name: "AuthGuard('cert-bound') alone",
    app: 'forRootAsync',
    client: 'mine',
    exchanges: [
      passport('read', PASSED_PASSPORT),
      passport('opaque', PASSED_PASSPORT),
      passport(undefined, { ...NO_TOKEN, body: { statusCode: 401, message: 'Unauthorized' } }),
    ],
  },
  {
    name: "AuthGuard('cert-bound') alone, another certificate",
    app: 'forRootAsync',
    client: 'other',
    exchanges: [passport('read', INVALID_TOKEN)],
  },
];

export const REQUEST_TABLE: readonly Row[] = [
  ...CERTIFICATES,
  ...ROUTES,
  ...OPAQUE,
  ...CONNECTIONS,
  ...CORS,
  ...ASYNC,
];
