import { Logger } from '@nestjs/common';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { CircuitBreaker } from '../../lib/authorization-server/circuit-breaker.js';
import {
  introspect,
  type IntrospectionAnswer,
  type IntrospectionCall,
  readIntrospection,
} from '../../lib/introspection/introspection-client.js';
import { SERVER_CALL_CHANNEL } from '../../lib/events/channels.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { type OAuthError, outage } from '../../lib/challenge/oauth-error.js';
import { eventually } from '../support/eventually.js';
import { httpOf } from '../authorization-server/http-of.js';

let world: World;
beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await createWorld();
});

const CREDENTIALS = `Basic ${Buffer.from('api:api-secret').toString('base64')}`;

const ask = async (
  as: TestAuthorizationServer,
  difference: Partial<IntrospectionCall> = {},
): Promise<IntrospectionAnswer> =>
  introspect(
    'token-1',
    {
      endpoint: async () => as.introspectionEndpoint,
      breaker: new CircuitBreaker(as.issuer),
      authenticate: () => ({ headers: { authorization: CREDENTIALS }, parameters: {} }),
      parameters: {},
      headers: {},
      format: { kind: 'json' },
      ...difference,
    },
    httpOf(world),
  );

const SIGNED = 'application/token-introspection+jwt';

describe('a call to the introspection endpoint', () => {
  test('RFC7662-1: the call is an authenticated form that no parameter of ours can bend', async () => {
    const as = await startAuthorizationServer(world);
    as.answerIntrospection('token-1', { active: true, sub: 'user-1' });
    const calls: unknown[] = [];
    const listener = (call: unknown): void => void calls.push(call);
    subscribe(SERVER_CALL_CHANNEL, listener);
    const answer = await ask(as, {
      parameters: { resource: 'a&token=x', token: 'other' },
      headers: { 'x-tenant': 'bank', accept: 'text/html', authorization: 'Basic other' },
    });
    unsubscribe(SERVER_CALL_CHANNEL, listener);
    expect(calls).toMatchObject([{ purpose: 'introspection', outcome: 'answered', status: 200 }]);
    expect(answer).toStrictEqual({ active: true, claims: { active: true, sub: 'user-1' } });
    const [request] = as.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: '/introspect',
      headers: {
        authorization: CREDENTIALS,
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        'x-tenant': 'bank',
      },
    });
    expect([...(request?.form ?? [])]).toEqual([
      ['resource', 'a&token=x'],
      ['token', 'token-1'],
      ['token_type_hint', 'access_token'],
    ]);
  });

  test('RFC9701-3: a signed answer is asked for, verified, and kept beside what it says', async () => {
    const as = await startAuthorizationServer(world);
    as.behave('introspection', {
      status: 200,
      headers: { 'content-type': 'Application/Token-Introspection+JWT; charset=utf-8' },
      body: 'a.signed.answer',
    });
    const verifySigned = async (jwt: string): Promise<object> => ({ active: jwt === 'a.signed.answer' });
    expect(await ask(as, { format: { kind: 'jwt', verify: verifySigned as never } })).toStrictEqual({
      active: true,
      claims: { active: true },
      signed: 'a.signed.answer',
    });
    expect(as.requests[0]?.headers['accept']).toBe(SIGNED);
    expect(await ask(as, { format: { kind: 'jwt', verify: async () => ({ active: false }) } })).toStrictEqual(
      {
        active: false,
        reason: 'token_inactive',
        cacheable: true,
      },
    );
    await expect(ask(as, { format: { kind: 'jwt', verify: async () => ({}) } })).rejects.toMatchObject({
      reason: 'authorization_server_answer_invalid',
      detail: `POST ${as.introspectionEndpoint}: no object with "active"`,
    });
  });

  test('RFC9701-3: an answer that is not signed is an outage where a signed one was asked for', async () => {
    const as = await startAuthorizationServer(world);
    as.answerIntrospection('token-1', { active: true });
    await expect(
      ask(as, { format: { kind: 'jwt', verify: async () => ({ active: true }) } }),
    ).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail: `POST ${as.introspectionEndpoint}: the answer is not signed`,
    });
  });

  test('the circuit of the endpoint heeds only its own outages, not those of the keys of its answers', async () => {
    const as = await startAuthorizationServer(world);
    const breaker = new CircuitBreaker(as.issuer);
    as.behave('introspection', { status: 200, headers: { 'content-type': SIGNED }, body: 'a.signed.answer' });
    const noKeys = outage('authorization_server_unreachable', { detail: 'no keys' });
    const verifySigned = async (): Promise<never> => {
      throw noKeys;
    };
    const noEndpoint = async (): Promise<never> => {
      throw noKeys;
    };
    for (let i = 0; i < 10; i++)
      await expect(ask(as, { breaker, format: { kind: 'jwt', verify: verifySigned } })).rejects.toBe(noKeys);
    for (let i = 0; i < 10; i++)
      await expect(ask(as, { breaker, endpoint: noEndpoint })).rejects.toBe(noKeys);
    expect([breaker.state, as.count('introspection')]).toEqual(['closed', 10]);

    as.behave('introspection', { status: 500 });
    for (let i = 0; i < 10; i++) {
      await expect(ask(as, { breaker, format: { kind: 'jwt', verify: verifySigned } })).rejects.toMatchObject(
        { refusal: { status: 503 } },
      );
    }
    // Until the probe has come back, whoever comes is asked about.
    await eventually(() => breaker.state === 'open');
    const asked = as.count('introspection');
    await expect(ask(as, { breaker })).rejects.toMatchObject({ refusal: { status: 503 } });
    expect(as.count('introspection')).toBe(asked);
  });

  test('invariant 14: a probe is about a token that nobody has sent, with a proof of its own, and never twice the same', async () => {
    const as = await startAuthorizationServer(world);
    const breaker = new CircuitBreaker(as.issuer);
    let proofs = 0;
    const authenticate = () => ({ headers: {}, parameters: { proof: String((proofs += 1)) } });
    as.behave('introspection', { status: 500 });
    for (let i = 0; i < 5; i++) await expect(ask(as, { breaker, authenticate })).rejects.toThrow();
    await eventually(() => breaker.state === 'open');
    const forms = as.requests.map(({ form }) => form);
    const tokens = forms.map((form) => form.get('token'));
    expect(tokens.filter((token) => token === 'token-1')).toHaveLength(5);
    expect(tokens.filter((token) => token !== 'token-1')).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
    expect(new Set(forms.map((form) => form.get('proof')))).toHaveProperty('size', 6);
  });

  test.each([413, 414, 422])('invariant 14: %i is about the token, whatever else is said', async (status) => {
    const as = await startAuthorizationServer(world);
    for (const body of ['', '<html>', '{"error":"unsupported_token_type"}']) {
      as.behave('introspection', { status, body });
      const code = body.startsWith('{') ? '"unsupported_token_type"' : 'without an error code';
      expect(await ask(as)).toStrictEqual({
        active: false,
        reason: 'introspection_refused',
        detail: `the introspection endpoint answered ${status} ${code}`,
        cacheable: false,
      });
    }
  });

  test.each([400, 401, 500])(
    'invariant 6: only what looks like an error code is told of an answer of %i',
    async (status) => {
      const as = await startAuthorizationServer(world);
      for (const error of [
        'the token token-1 is bad',
        'token-1',
        'x'.repeat(65),
        'a"b',
        'a\nb',
        'ü',
        '',
        ['token-1'],
        { a: 'token-1' },
      ]) {
        as.behave('introspection', { status, body: JSON.stringify({ error, error_description: 'token-1' }) });
        const detail = await ask(as).then(
          (answer) => (answer.active ? undefined : answer.detail),
          (thrown: OAuthError) => thrown.detail,
        );
        expect(detail, JSON.stringify(error)).toMatch(/ without an error code$/);
      }
    },
  );

  test.each([
    ['unsupported_token_type', true],
    ['invalid_request', false],
    ['invalid_target', false],
  ])(
    'invariant 3: a 400 with the error %s is about the token, and may be given again: %s',
    async (error, cacheable) => {
      const as = await startAuthorizationServer(world);
      as.behave('introspection', { status: 400, body: JSON.stringify({ error }) });
      const refused = {
        active: false,
        reason: 'introspection_refused',
        detail: `the introspection endpoint answered 400 "${error}"`,
        cacheable,
      };
      expect(await ask(as)).toStrictEqual(refused);
      expect(
        await ask(as, { format: { kind: 'jwt', verify: async () => ({ active: true }) } }),
      ).toStrictEqual(refused);
    },
  );

  const client = 'authorization_server_refused_client';
  const down = 'authorization_server_unreachable';
  const nonsense = 'authorization_server_answer_invalid';
  test.each([
    [400, '', client, 'without an error code'],
    [400, '{"error":7}', client, 'without an error code'],
    [400, '{"error":"invalid_client"}', client, '"invalid_client"'],
    [400, '{"error":"unauthorized_client"}', client, '"unauthorized_client"'],
    [401, '{"error":"invalid_client"}', client, '"invalid_client"'],
    [401, '', client, 'without an error code'],
    [403, '{"error":"access_denied"}', client, '"access_denied"'],
    [402, '', nonsense, 'without an error code'],
    [404, '{"error":"not_found"}', nonsense, '"not_found"'],
    [302, '{"active":true}', nonsense, 'without an error code'],
    [204, '', nonsense, 'without an error code'],
    [428, '', nonsense, 'without an error code'],
    [429, '{"error":"slow_down"}', down, '"slow_down"'],
    [499, '', nonsense, 'without an error code'],
    [500, '{"active":true}', down, 'without an error code'],
    [503, '<html>', down, 'without an error code'],
  ])('invariant 3: an answer of %i %s is an outage: %s', async (status, body, reason, error) => {
    const as = await startAuthorizationServer(world);
    as.behave('introspection', { status, body });
    await expect(ask(as)).rejects.toMatchObject({
      refusal: { status: 503 },
      reason,
      detail: `POST ${as.introspectionEndpoint}: status ${status} ${error}`,
    });
  });

  test.each(['', 'null', '[]', '<html>', '{}'])(
    'invariant 3: an answer of 200 with the body %j is an outage',
    async (body) => {
      const as = await startAuthorizationServer(world);
      as.behave('introspection', { status: 200, body });
      await expect(ask(as)).rejects.toMatchObject({
        refusal: { status: 503 },
        reason: nonsense,
        detail: `POST ${as.introspectionEndpoint}: no object with "active"`,
      });
    },
  );

  test('invariant 3: a client authentication that cannot be made is our fault, and nothing is asked', async () => {
    const as = await startAuthorizationServer(world);
    const cause = new Error('no such key');
    const authenticate = async (): Promise<never> => {
      throw cause;
    };
    await expect(ask(as, { authenticate })).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: client,
      detail: 'no client authentication: no such key',
      cause,
    });
    expect(as.requests).toEqual([]);
  });
});

describe('what an introspection answer says', () => {
  test('RFC7662-1: an answer is active when it says so by the boolean, and only then', () => {
    expect(readIntrospection('here', { active: true, sub: 'x' })).toStrictEqual({
      active: true,
      claims: { active: true, sub: 'x' },
    });
    expect(readIntrospection('here', { active: false })).toStrictEqual({
      active: false,
      reason: 'token_inactive',
      cacheable: true,
    });
    for (const active of ['true', 1, null, {}, undefined]) {
      expect(readIntrospection('here', { active })).toStrictEqual({
        active: false,
        reason: 'token_inactive',
        detail: 'active is not a boolean',
        cacheable: false,
      });
    }
  });

  test("RFC7662-1: an answer without 'active' is no answer, and that is an outage", () => {
    for (const body of [undefined, {}, Object.create({ active: true }) as object]) {
      expect(() => readIntrospection('here', body as never)).toThrow(
        expect.objectContaining({
          refusal: expect.objectContaining({ status: 503 }),
          reason: 'authorization_server_answer_invalid',
          detail: 'here: no object with "active"',
        }),
      );
    }
  });
});
