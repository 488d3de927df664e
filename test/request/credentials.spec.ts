import { describe, expect, test } from 'vitest';
import {
  type Authorization,
  checkTokenForm,
  readAuthorization,
  readToken,
} from '../../lib/request/credentials.js';
import type { HttpRequest } from '../../lib/request/http-request.js';

/** What may differ from a GET of / with `Bearer token`. */
interface Sent {
  readonly headers?: readonly string[];
  readonly url?: string;
  readonly type?: string;
  readonly body?: unknown;
}

const requestOf = ({ headers = ['Bearer token'], url = '/', type, body }: Sent): HttpRequest =>
  ({
    url,
    rawHeaders: [
      ...headers.flatMap((value) => ['Authorization', value]),
      ...(type === undefined ? [] : ['Content-Type', type]),
    ],
    body,
  }) as unknown as HttpRequest;

/** Reads it in the order of the pipeline, as far as it is right. */
function read(sent: Sent): readonly [scheme: string, token: string] {
  const request = requestOf(sent);
  const authorization: Authorization = readAuthorization(request, ['Bearer', 'DPoP']);
  const token = readToken(authorization, request);
  checkTokenForm(token, authorization);
  return [authorization.scheme, token];
}

const refusal = (status: 400 | 401, reason: string, detail: string): Error =>
  expect.objectContaining({
    refusal: { status, code: status === 400 ? 'invalid_request' : undefined },
    reason,
    detail,
  }) as Error;

describe('RFC6750-2: no credentials that are understood', () => {
  const missing = (detail: string): Error => refusal(401, 'credentials_missing', detail);

  test.each([
    'Basic a',
    'Bearers a',
    'XBearer a',
    'BearerDPoP a',
    ...Array.from("!#$%&'*+-.^_`|~0Z").map((character) => `Bearer${character} a`),
    '',
  ])('the header %j is of another scheme', (header) => {
    expect(() => read({ headers: [header] })).toThrow(
      missing('the Authorization header is not of the Bearer or DPoP scheme'),
    );
  });

  test('the log says where a token was, if anywhere', () => {
    const form = 'Application/X-WWW-Form-URLEncoded; charset=utf-8';
    const body = { access_token: 'token' };
    const nowhere = 'no Authorization header';
    const rows: readonly (readonly [Sent, string])[] = [
      [{}, nowhere],
      [{ url: '/?access_token=a' }, 'access_token in the query is not accepted'],
      [{ url: '/?a&access_token' }, 'access_token in the query is not accepted'],
      [{ url: '/a&access_token=a' }, nowhere],
      [{ url: '/?a=access_token' }, nowhere],
      [{ type: form, body }, 'access_token in a form body is not accepted'],
      [{ type: 'application/json', body }, nowhere],
      [{ body }, nowhere],
      ...[null, undefined, 'access_token=a', {}, Object.create(body) as unknown].map(
        (other) => [{ type: form, body: other }, nowhere] as const,
      ),
    ];
    for (const [sent, detail] of rows) {
      expect(() => read({ ...sent, headers: [] }), JSON.stringify(sent)).toThrow(missing(detail));
    }
  });
});

describe('RFC6750-1: one scheme, spaces, one token', () => {
  test.each([
    ['Bearer token', 'Bearer'],
    ['bEARER token', 'Bearer'],
    ['dpop token', 'DPoP'],
    ['Bearer    token', 'Bearer'],
    ['Bearer token   ', 'Bearer'],
  ])('the header %j has the scheme %s and a token', (header, scheme) => {
    expect(read({ headers: [header] })).toEqual([scheme, 'token']);
  });

  test.each(['a', '0', 'A-._~+/z', 'a=', 'a=='])('the text %j is a token', (token) => {
    expect(read({ headers: [`Bearer ${token}`] })).toEqual(['Bearer', token]);
  });

  test.each([
    'Bearer',
    'Bearer ',
    'Bearer    ',
    'Bearer\ttoken',
    'Bearer \ttoken',
    'Bearer token\t',
    'Bearer,token',
    'Bearer/token',
    'Bearer, token',
    'Bearer a b',
    'Bearer a,',
    'Bearer =a',
    'Bearer a=b',
    'Bearer "a"',
    'Bearer é',
  ])('the header %j holds no single token, so it is 400', (header) => {
    expect(() => read({ headers: [header] })).toThrow(
      refusal(400, 'credentials_malformed', 'the Authorization header is not "Bearer" and one token'),
    );
  });
});

test('RFC6750-4: a token that is sent twice is 400', () => {
  const repeated = (detail: string): Error => refusal(400, 'credentials_repeated', detail);
  const form = { type: 'application/x-www-form-urlencoded', body: { access_token: '' } };
  for (const headers of [
    ['Bearer a', 'Bearer a'],
    ['Basic a', 'Bearer b'],
  ]) {
    expect(() => read({ headers })).toThrow(repeated('more than one Authorization header'));
  }
  expect(() => read({ url: '/?access_token#x' })).toThrow(repeated('a token in the header and in the query'));
  expect(read({ url: '/?a=b#access_token' })).toBeDefined();
  expect(() => read({ url: '/?access_token=' })).toThrow(repeated('a token in the header and in the query'));
  expect(() => read(form)).toThrow(repeated('a token in the header and in the form body'));
});
