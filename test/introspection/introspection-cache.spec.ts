import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Introspect,
  IntrospectionAnswers,
  type IntrospectionCacheSettings,
} from '../../lib/introspection/introspection-cache.js';
import type { IntrospectionAnswer } from '../../lib/introspection/introspection-client.js';

const NOW = 1_800_000_000;
const SETTINGS = { ttl: 60, negativeTtl: 10, maxEntries: 2, shared: undefined };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Asks through a cache with these settings; `asked` holds the tokens that the server was asked about. */
function startCache(
  answer: (token: string) => IntrospectionAnswer,
  settings: IntrospectionCacheSettings,
): { readonly lookUp: Introspect; readonly asked: readonly string[] } {
  const asked: string[] = [];
  const introspect: Introspect = async (token) => {
    asked.push(token);
    return answer(token);
  };
  return { lookUp: new IntrospectionAnswers(introspect, 'https://as.example.com\napi', settings).ask, asked };
}

const activeUntil = (exp: unknown): IntrospectionAnswer => ({ active: true, claims: { exp } });
const active = activeUntil(NOW + 3600);
const inactive = (cacheable: boolean): IntrospectionAnswer => ({
  active: false,
  reason: 'token_inactive',
  cacheable,
});

/** Whether the answer is still known, at each of these milliseconds after the first look-up. */
async function keptAt(answer: IntrospectionAnswer, ...milliseconds: readonly number[]): Promise<boolean[]> {
  const { lookUp, asked } = startCache(() => answer, SETTINGS);
  await lookUp('t');
  const kept = [];
  for (const after of milliseconds) {
    vi.setSystemTime(NOW * 1000 + after);
    const before = asked.length;
    expect(await lookUp('t')).toBe(answer);
    kept.push(asked.length === before);
  }
  vi.setSystemTime(NOW * 1000);
  return kept;
}

describe('how long an answer is kept', () => {
  test('an active answer is kept for ttl, to the millisecond', async () => {
    expect(await keptAt(active, 0, 59_999, 60_000)).toEqual([true, true, false]);
  });

  test('RFC9111-4.2.1: an answer is kept no longer than its server says, and for no longer than ttl', async () => {
    const lasting = (lifetime: number): IntrospectionAnswer => ({
      active: true,
      claims: { exp: NOW + 3600 },
      lifetime,
    });
    expect(await keptAt(lasting(30), 29_999, 30_000)).toEqual([true, false]);
    expect(await keptAt(lasting(600), 59_999, 60_000)).toEqual([true, false]);
    expect(await keptAt(lasting(0), 0)).toEqual([false]);
    expect(await keptAt({ ...inactive(true), lifetime: 5 }, 4_999, 5_000)).toEqual([true, false]);
    expect(await keptAt({ ...inactive(true), lifetime: 50 }, 9_999, 10_000)).toEqual([true, false]);
  });

  test('invariant 5: an answer is never kept past exp', async () => {
    expect(await keptAt(activeUntil(NOW + 1.5), 1_499, 1_500)).toEqual([true, false]);
    expect(await keptAt(activeUntil(NOW + 61), 59_999, 60_000)).toEqual([true, false]);
    for (const exp of [undefined, null, String(NOW + 60), NOW, NOW - 1]) {
      expect([exp, await keptAt(activeUntil(exp), 0)]).toEqual([exp, [false]]);
    }
  });

  test('an inactive answer is kept for negativeTtl, to the millisecond, and only if it may be given again', async () => {
    expect(await keptAt(inactive(true), 9_999, 10_000)).toEqual([true, false]);
    expect(await keptAt(inactive(false), 0)).toEqual([false]);
  });

  test('invariant 5: an answer is not kept when the clock has been set back, or it would be kept for too long', async () => {
    expect(await keptAt(active, 0, -1)).toEqual([true, false]);
  });

  test('an answer is kept for its own token only, and the least recently used goes first', async () => {
    const { lookUp, asked } = startCache(
      (token) => ({ active: true, claims: { token, exp: NOW + 60 } }),
      SETTINGS,
    );
    for (const token of ['a', 'b', 'a', 'c', 'a', 'b']) {
      expect(await lookUp(token)).toMatchObject({ claims: { token } });
    }
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
  });

  test('no answer is kept without a cache', async () => {
    const { lookUp, asked } = startCache(() => active, undefined);
    await lookUp('t');
    await lookUp('t');
    expect(asked).toEqual(['t', 't']);
  });
});

describe('concurrent look-ups of one token are one call', () => {
  test.each([['with a cache', SETTINGS] as const, ['without a cache', undefined] as const])(
    'concurrent look-ups of one token are one call %s',
    async (_, settings) => {
      const { lookUp, asked } = startCache((token) => ({ active: true, claims: { token } }), settings);
      const answers = await Promise.all(['a', 'b', 'a', 'a'].map(async (token) => lookUp(token)));
      expect(answers.map((answer) => answer.active && answer.claims['token'])).toEqual(['a', 'b', 'a', 'a']);
      expect(asked).toEqual(['a', 'b']);
    },
  );

  test('invariant 3: an outage is told to everyone who waits, and is not kept', async () => {
    let down = true;
    const { lookUp, asked } = startCache(() => {
      if (down) throw new Error('down');
      return active;
    }, SETTINGS);
    const outcomes = await Promise.allSettled([lookUp('t'), lookUp('t')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(asked).toEqual(['t']);
    down = false;
    expect(await lookUp('t')).toEqual(active);
    expect(asked).toEqual(['t', 't']);
  });
});

describe('invariant 5: what vouches for an answer', () => {
  const scope = 'https://as.example.com\napi';

  test('the cache vouches for an answer as long as it would give the same one again', async () => {
    const answers = new IntrospectionAnswers(async () => activeUntil(NOW + 3600), scope, SETTINGS);
    const answer = await answers.ask('t');
    const [holds, ofAnother] = [answers.holder('t', answer), answers.holder('u', answer)];
    expect([holds(), ofAnother()]).toEqual([true, false]);
    vi.setSystemTime(NOW * 1000 + 60_000);
    expect(holds()).toBe(false);
    const next = await answers.ask('t');
    expect([holds(), answers.holder('t', next)()]).toEqual([false, true]);
  });

  test('nothing vouches for an answer that is not kept', async () => {
    const answers = new IntrospectionAnswers(async () => active, scope, undefined);
    expect(answers.holder('t', await answers.ask('t'))()).toBe(false);
  });
});
