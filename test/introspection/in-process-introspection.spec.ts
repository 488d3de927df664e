import { describe, expect, test } from 'vitest';
import { introspectInProcess } from '../../lib/introspection/in-process-introspection.js';
import type { IntrospectionAnswer } from '../../lib/introspection/introspection-client.js';

const ask = async (answer: () => unknown): Promise<IntrospectionAnswer> =>
  introspectInProcess('token-1', { kind: 'in-process', introspect: async () => answer() as object });

describe('introspection in this process', () => {
  test('RFC7662-1: introspect gets the token, and its answer becomes plain JSON that shares nothing with it', async () => {
    const asked: string[] = [];
    const given = { active: true, nested: { list: [1] }, until: new Date(0), forget: () => 1 };
    const introspect = async (token: string): Promise<object> => {
      asked.push(token);
      return given;
    };
    const answer = await introspectInProcess('token-1', { kind: 'in-process', introspect });
    expect(asked).toEqual(['token-1']);
    expect(answer).toStrictEqual({
      active: true,
      claims: { active: true, nested: { list: [1] }, until: '1970-01-01T00:00:00.000Z' },
    });
    given.nested.list.push(2);
    expect(answer).toMatchObject({ claims: { nested: { list: [1] } } });
  });

  test.each([undefined, null, { active: false }])(
    'RFC7662-1: an answer of %j means an inactive token',
    async (answer) => {
      expect(await ask(() => answer)).toStrictEqual({
        active: false,
        reason: 'token_inactive',
        cacheable: true,
      });
    },
  );

  test.each<[string, () => unknown]>([
    ['text', () => 'active'],
    ['false', () => false],
    ['a list', () => [{ active: true }]],
    ['a function', () => () => ({ active: true })],
    ['an object without active', () => ({})],
  ])('invariant 3: an answer that is %s is an outage', async (_name, answer) => {
    await expect(ask(answer)).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail: 'introspect: no object with "active"',
    });
  });

  test('invariant 3: an answer that JSON cannot express is an outage', async () => {
    await expect(ask(() => ({ active: true, big: 1n }))).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail: 'introspect: its answer is no JSON',
      cause: expect.any(TypeError),
    });
  });

  test.each<[unknown, string]>([
    [new RangeError('about token-1'), 'introspect threw RangeError'],
    ['about token-1', 'introspect threw string'],
  ])(
    'invariants 3 and 6: an error that introspect throws is an outage, named without its message: %s',
    async (cause, detail) => {
      const call = ask(() => {
        throw cause;
      });
      await expect(call).rejects.toMatchObject({
        refusal: { status: 503 },
        reason: 'authorization_server_unreachable',
        detail,
        cause,
      });
    },
  );
});
