import type { TokenPlace } from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { optionsFor, type Question, startEndpoint } from './support/endpoint.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

/** Asks a policy that takes the token from this place, and tells the status and the code of the error. */
async function ask(
  place: TokenPlace | readonly TokenPlace[] | undefined,
  question: (token: string) => Question,
  query: (token: string) => string = () => '',
): Promise<unknown> {
  const as = await startAuthorizationServer(world);
  const policies = { any: place === undefined ? {} : { token: place } };
  // nginx would hide that a refusal is 400.
  const settings = { proxy: 'traefik', clientCertificate: PEM, policies } as const;
  const endpoint = await startEndpoint('node', optionsFor(world, as, settings));
  const token = await as.accessToken({ certificate: world.client1 });
  const { uri = '/', headers = {}, ...rest } = question(token);
  const forwarded = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': uri, ...headers };
  const answer = await endpoint.ask(`any${query(token)}`, {
    certificate: world.client1,
    ...rest,
    headers: forwarded,
  });
  const error = /error="(\w+)"/.exec(answer.headers['www-authenticate'] ?? '')?.[1];
  return error === undefined ? answer.status : `${answer.status} ${error}`;
}

const PEM = { from: 'header', header: 'x-ssl-client-cert', format: 'pem', trust: 'proxy' } as const;

describe('row 38: the place that the token is taken from', () => {
  test.each<[string, TokenPlace | undefined, (token: string) => Question, unknown]>([
    ['Authorization', undefined, (token) => ({ token }), 200],
    [
      'Authorization, repeated',
      undefined,
      (token) => ({ headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } }),
      '400 invalid_request',
    ],
    [
      'Authorization and, as access_token, the query',
      undefined,
      (token) => ({ token, uri: `/?access_token=${token}` }),
      '400 invalid_request',
    ],
    ['Authorization, not the query', undefined, (token) => ({ uri: `/?access_token=${token}` }), 401],
    ['a header', { header: 'X-Token' }, (token) => ({ headers: { 'x-token': token } }), 200],
    [
      'a header with a prefix',
      { header: 'X-Token', prefix: 'Token ' },
      (token) => ({ headers: { 'x-token': `Token ${token}` } }),
      200,
    ],
    [
      'a header without its prefix',
      { header: 'X-Token', prefix: 'Token ' },
      (token) => ({ headers: { 'x-token': token } }),
      401,
    ],
    [
      'a header with its prefix alone',
      { header: 'X-Token', prefix: 'T' },
      () => ({ headers: { 'x-token': 'T' } }),
      '400 invalid_request',
    ],
    [
      'a header that is repeated',
      { header: 'X-Token' },
      (token) => ({ headers: { 'x-token': [token, token] } }),
      '400 invalid_request',
    ],
    [
      'a header with two tokens',
      { header: 'X-Token' },
      (token) => ({ headers: { 'x-token': `${token} ${token}` } }),
      '400 invalid_request',
    ],
    ['a header that is empty', { header: 'X-Token' }, () => ({ headers: { 'x-token': '' } }), 401],
    ['a header, never from Authorization', { header: 'X-Token' }, (token) => ({ token }), 401],
    [
      'a header, whatever Authorization holds',
      { header: 'X-Token' },
      (token) => ({ token: 'bad', headers: { 'x-token': token } }),
      200,
    ],
    [
      'a header and, as access_token, the query',
      { header: 'X-Token' },
      (token) => ({ headers: { 'x-token': token }, uri: `/?access_token=${token}` }),
      '400 invalid_request',
    ],
    ['a cookie', { cookie: 'at' }, (token) => ({ headers: { cookie: `a=1; at=${token}; b=2` } }), 200],
    [
      'a cookie in the second of two headers',
      { cookie: 'at' },
      (token) => ({ headers: { cookie: ['a=1', `at=${token}`] } }),
      200,
    ],
    [
      'a cookie that is repeated',
      { cookie: 'at' },
      (token) => ({ headers: { cookie: `at=${token}; at=${token}` } }),
      '400 invalid_request',
    ],
    ['a cookie of another case', { cookie: 'at' }, (token) => ({ headers: { cookie: `AT=${token}` } }), 401],
    [
      'a cookie whose name only ends so',
      { cookie: 'at' },
      (token) => ({ headers: { cookie: `xat=${token}` } }),
      401,
    ],
    ['a cookie, of several', { cookie: 'at' }, () => ({ headers: { cookie: 'a=1; at; b' } }), 401],
    ['a cookie, never from Authorization', { cookie: 'at' }, (token) => ({ token }), 401],
    ['the query', { unsafeQuery: 'token' }, (token) => ({ uri: `/a?x=1&token=${token}&y=2#z` }), 200],
    [
      'the query, alone in it',
      { unsafeQuery: 'access_token' },
      (token) => ({ uri: `/?access_token=${token}` }),
      200,
    ],
    [
      'the query, its name written so that a proxy would not take it away',
      { unsafeQuery: 'tok' },
      (token) => ({ uri: `/?t%6Fk=${token}` }),
      '400 invalid_request',
    ],
    [
      'the query, its name behind a second question mark',
      { unsafeQuery: 'token' },
      (token) => ({ uri: `/?a=1&?token=${token}` }),
      401,
    ],
    [
      'the query, behind two question marks',
      { unsafeQuery: 'token' },
      (token) => ({ uri: `/??token=${token}` }),
      401,
    ],
    [
      'the query, once with a question mark in the name',
      { unsafeQuery: 'token' },
      (token) => ({ uri: `/?token=${token}&?token=${token}` }),
      200,
    ],
    [
      'the query, repeated',
      { unsafeQuery: 'token' },
      (token) => ({ uri: `/?token=${token}&token=${token}` }),
      '400 invalid_request',
    ],
    [
      'the query, repeated, once empty, where a proxy takes one away',
      { unsafeQuery: 'token' },
      (token) => ({ uri: `/?token=${token}&token=` }),
      '400 invalid_request',
    ],
    ['the query, empty', { unsafeQuery: 'token' }, () => ({ uri: '/?token=' }), 401],
    [
      'the query, never from Authorization',
      { unsafeQuery: 'token' },
      (token) => ({ token, uri: '/?x=1' }),
      401,
    ],
    [
      'the query, in two parameters',
      { unsafeQuery: 'token' },
      (token) => ({ uri: `/?token=${token}&access_token=${token}` }),
      '400 invalid_request',
    ],
    ['the query, not the fragment', { unsafeQuery: 'token' }, (token) => ({ uri: `/#?token=${token}` }), 401],
  ])(
    'the token is taken from its configured place and no other: %s',
    async (_, place, question, expected) => {
      expect(await ask(place, question)).toBe(expected);
    },
  );
});

describe('row 38: the first of several places that holds something counts', () => {
  const places = [
    { header: 'Authorization' },
    { header: 'X-Token', prefix: 'Token ' },
    { cookie: 'session' },
    { unsafeQuery: 'token' },
  ] as const;
  test.each<[string, (token: string) => Question, unknown]>([
    ['Authorization', (token) => ({ token }), 200],
    [
      'Authorization, whatever else is there',
      (token) => ({ token, headers: { 'x-token': 'Token a', cookie: 'session=b' } }),
      200,
    ],
    [
      'Authorization, though it is of another scheme',
      (token) => ({ headers: { authorization: 'Basic a', cookie: `session=${token}` } }),
      401,
    ],
    ['the header', (token) => ({ headers: { 'x-token': `Token ${token}`, cookie: 'session=a' } }), 200],
    [
      'the header, though it is wrong',
      (token) => ({ headers: { 'x-token': 'Token a', cookie: `session=${token}` } }),
      '401 invalid_token',
    ],
    [
      'the header, though its prefix is not there',
      (token) => ({ headers: { 'x-token': token, cookie: `session=${token}` } }),
      401,
    ],
    [
      'the cookie',
      (token) => ({ headers: { 'x-token': '', cookie: `session=${token}` }, uri: '/?token=a' }),
      200,
    ],
    [
      'the cookie, repeated',
      (token) => ({ headers: { cookie: `session=${token}; session=` } }),
      '400 invalid_request',
    ],
    ['the query', (token) => ({ headers: { cookie: 'session=; other=a' }, uri: `/?token=${token}` }), 200],
    ['the query, empty', () => ({ uri: '/?token=' }), 401],
    ['none', () => ({}), 401],
  ])('the first of several places that holds something counts: %s', async (_, question, expected) => {
    expect(await ask(places, question)).toBe(expected);
  });

  test('the last is the header where the others are empty', async () => {
    const last = [{ cookie: 'session' }, { header: 'Authorization' }] as const;
    expect(await ask(last, (token) => ({ token }))).toBe(200);
    expect(await ask(last, (token) => ({ token, headers: { cookie: 'session=a' } }))).toBe(
      '401 invalid_token',
    );
    expect(await ask(last, () => ({}))).toBe(401);
  });
});

describe('row 47: the proxy may put the token into the query of the URL that it asks for', () => {
  const place = { unsafeQuery: 'token' };
  const inQuery = (token: string): string => `?token=${token}`;
  test.each<[string, (token: string) => Question, (token: string) => string, unknown]>([
    ['there alone', () => ({}), inQuery, 200],
    ['there, and the same in that of the client', (token) => ({ uri: `/${inQuery(token)}` }), inQuery, 200],
    [
      'there, and another in that of the client',
      () => ({ uri: '/?token=a' }),
      inQuery,
      '400 invalid_request',
    ],
    ['there twice', () => ({}), (token) => `${inQuery(token)}&token=${token}`, '400 invalid_request'],
    ['there, empty, and not in that of the client', () => ({}), () => '?token=', 401],
    [
      'there, empty, and in that of the client',
      (token) => ({ uri: `/${inQuery(token)}` }),
      () => '?token=',
      200,
    ],
    ['under another name', () => ({}), (token) => `?access=${token}`, 401],
  ])(
    'the proxy may put the token into the query of the URL that it asks for: %s',
    async (_, question, query, expected) => {
      expect(await ask(place, question, query)).toBe(expected);
    },
  );

  test('it is not looked at where the token is in the header', async () => {
    expect(await ask(undefined, () => ({}), inQuery)).toBe(401);
  });

  test('a proxy that says nothing else of its client’s request may do so', async () => {
    const as = await startAuthorizationServer(world);
    const policies = { any: { token: place } };
    const endpoint = await startEndpoint('node', optionsFor(world, as, { policies }));
    const token = await as.accessToken({ certificate: world.client1 });
    const headers = { 'x-original-method': undefined, 'x-original-uri': undefined };
    const asked = { certificate: world.client1, headers };
    expect((await endpoint.ask(`any${inQuery(token)}`, asked)).status).toBe(200);
    expect((await endpoint.ask('any', asked)).status).toBe(401);
  });
});
