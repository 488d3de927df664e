import { Logger } from '@nestjs/common';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CircuitBreaker } from '../../lib/authorization-server/circuit-breaker.js';
import { CallNotSentError } from '../../lib/authorization-server/connection-pool.js';
import { type OAuthError, outage } from '../../lib/challenge/oauth-error.js';
import { SERVER_CALL_CHANNEL } from '../../lib/events/channels.js';
import type { ReasonTold } from '../../lib/challenge/reasons.js';
import { RecordingLogger } from '../support/recording-logger.js';

const ISSUER = 'https://as.example.com';
const NOW = 1_800_000_000_000;

let log: RecordingLogger;
let breaker: CircuitBreaker;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  log = new RecordingLogger();
  Logger.overrideLogger(log);
  breaker = new CircuitBreaker(ISSUER, () => 1);
});
afterEach(() => {
  vi.useRealTimers();
  Logger.overrideLogger(false);
});

const later = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000);

const down = (
  reason: ReasonTold<'outage'> = 'authorization_server_unreachable',
  cause?: unknown,
): OAuthError => outage(reason, { detail: 'down', cause });

/** What asking about a token of ours comes to: by default, the endpoint is down indeed. */
let probe = vi.fn<() => Promise<unknown>>();
beforeEach(() => {
  probe = vi.fn(async () => Promise.reject(down()));
});

/** Until a probe has come to its end, for which no caller waits. */
const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let tokens = 0;
const anotherToken = (): string => `token ${(tokens += 1)}`;

/** What a call comes to: its answer, or what it throws. */
async function outcomeOf(call: () => Promise<string>, token = anotherToken()): Promise<unknown> {
  try {
    return await breaker.guard(call, { digest: token, probe });
  } catch (error) {
    await settled();
    return error;
  }
}

const succeed = async (token?: string): Promise<unknown> => outcomeOf(async () => 'answer', token);

async function fail(error: Error = down(), token?: string): Promise<unknown> {
  return outcomeOf(async () => {
    throw error;
  }, token);
}

async function failTimes(times: number, error?: Error): Promise<void> {
  for (let i = 0; i < times; i++) await fail(error);
}

/** A call that is under way until it is told how it ends. */
interface Pending {
  readonly result: Promise<unknown>;
  readonly end: (error?: Error) => void;
}

function begin(token?: string): Pending {
  let end: Pending['end'] = () => undefined;
  const answer = new Promise<string>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve('answer') : reject(error));
  });
  return { result: outcomeOf(async () => answer, token), end };
}

const refused = (retryAfter: number): object => ({
  refusal: { status: 503, code: undefined, retryAfter },
  reason: 'authorization_server_unreachable',
  detail: 'not asked: the last 5 calls or more have failed',
});

describe('how the circuit opens', () => {
  test('INV3: the circuit opens after five outages in a row, then nothing is asked, and the caller is told for how long', async () => {
    await failTimes(4);
    expect(breaker.state).toBe('closed');
    const fifth = down();
    expect(await fail(fifth)).toBe(fifth);
    expect(breaker.state).toBe('open');
    const call = vi.fn<() => Promise<void>>();
    await expect(breaker.guard(call, { digest: 'another', probe })).rejects.toMatchObject(refused(1));
    expect(call).not.toHaveBeenCalled();
  });

  test('INV3: the circuit stays closed when an answer comes between the outages', async () => {
    for (let i = 0; i < 5; i++) {
      await failTimes(4);
      expect(await succeed()).toBe('answer');
    }
    expect(breaker.state).toBe('closed');
  });

  test.each([
    ['that make no sense', down('authorization_server_answer_invalid')],
    [
      'that are too large',
      down(
        'authorization_server_unreachable',
        Object.assign(new Error(), { code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' }),
      ),
    ],
    [
      'with too many headers',
      down(
        'authorization_server_unreachable',
        Object.assign(new Error(), { code: 'UND_ERR_HEADERS_OVERFLOW' }),
      ),
    ],
    [
      'that are no HTTP',
      down('authorization_server_unreachable', Object.assign(new Error(), { code: 'HPE_INVALID_CONSTANT' })),
    ],
  ])('invariant 14: the circuit never opens after answers %s, for they are answers', async (_name, error) => {
    await failTimes(20, error);
    expect(breaker.state).toBe('closed');
    expect(probe).not.toHaveBeenCalled();
  });

  test('invariant 14: the circuit stays closed while the server answers about a token of ours', async () => {
    probe.mockImplementation(async () => 'inactive');
    await failTimes(4);
    expect(probe).not.toHaveBeenCalled();
    await failTimes(16);
    expect(breaker.state).toBe('closed');
    expect(probe).toHaveBeenCalledTimes(4);
    expect(await succeed()).toBe('answer');
    expect(log.ours).toEqual([]);
  });

  test('invariant 14: until the probe ends, every token is still asked about, and there is one probe', async () => {
    let end: (error: Error) => void = () => undefined;
    probe.mockImplementation(async () => new Promise((_, reject) => (end = reject)));
    await failTimes(20);
    expect(breaker.state).toBe('closed');
    expect(probe).toHaveBeenCalledOnce();
    end(down());
    await settled();
    expect(breaker.state).toBe('open');
  });

  test('invariant 14: a probe that began before an answer came does not open the circuit', async () => {
    let end: (error: Error) => void = () => undefined;
    probe.mockImplementation(async () => new Promise((_, reject) => (end = reject)));
    await failTimes(5);
    await succeed();
    end(down());
    await settled();
    expect(breaker.state).toBe('closed');
  });

  test.each([
    ['was not sent', down('authorization_server_unreachable', new CallNotSentError('too many'))],
    ['failed by a mistake of ours', new TypeError('x')],
  ])('a probe that %s settles nothing: the next outage is followed by another', async (_name, error) => {
    probe.mockImplementationOnce(async () => Promise.reject(error));
    await failTimes(5);
    expect(breaker.state).toBe('closed');
    await fail();
    expect(breaker.state).toBe('open');
  });

  test('INV3: the circuit stays closed when the endpoint refuses us, because that is an answer', async () => {
    await failTimes(4);
    await failTimes(20, down('authorization_server_refused_client'));
    await failTimes(4);
    expect(breaker.state).toBe('closed');
  });

  test.each([
    ['that was not sent', down('authorization_server_unreachable', new CallNotSentError('too many'))],
    ['that failed by a mistake of ours', new TypeError('x')],
  ])('INV3: the circuit stays closed after calls %s, which are no answers either', async (_name, error) => {
    await failTimes(4);
    await failTimes(20, error);
    expect(breaker.state).toBe('closed');
    await fail();
    expect(breaker.state).toBe('open');
  });

  test('the circuit opens once, however many calls were under way', async () => {
    const calls = Array.from({ length: 20 }, () => begin());
    for (const { end } of calls) end(down());
    await Promise.all(calls.map(async ({ result }) => result));
    expect(await succeed()).toMatchObject(refused(1));
    later(1);
    expect(await succeed()).toBe('answer');
  });

  test('a call that was under way before the circuit opened does not close it', async () => {
    const early = begin();
    await failTimes(5);
    early.end();
    expect(await early.result).toBe('answer');
    expect(breaker.state).toBe('open');
  });
});

describe('how the circuit half-opens', () => {
  test('one call goes through when the pause is over, and the others are refused at once', async () => {
    await failTimes(5);
    later(0.999);
    expect(breaker.state).toBe('open');
    later(0.001);
    expect(breaker.state).toBe('half-open');
    const first = begin();
    expect(breaker.state).toBe('half-open');
    later(60);
    const others = await Promise.all(Array.from({ length: 50 }, async () => succeed()));
    expect(others).toEqual(Array.from({ length: 50 }, () => expect.objectContaining(refused(1))));
    first.end();
    expect(await first.result).toBe('answer');
    expect(breaker.state).toBe('closed');
    expect(await Promise.all([succeed(), succeed()])).toEqual(['answer', 'answer']);
  });

  test('the pause doubles after each probe that fails, up to thirty seconds', async () => {
    await failTimes(5);
    const pauses: unknown[] = [];
    for (let i = 0; i < 8; i++) {
      pauses.push(((await succeed()) as { refusal: { retryAfter: number } }).refusal.retryAfter);
      later(pauses.at(-1) as number);
      const error = down();
      expect(await fail(error)).toBe(error);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  });

  test('the pause is short again after a success', async () => {
    await failTimes(5);
    later(1);
    await fail();
    later(2);
    await succeed();
    await failTimes(4);
    expect(breaker.state).toBe('closed');
    await fail();
    expect(await succeed()).toMatchObject(refused(1));
  });

  test('invariant 14: the half-open circuit closes on a token that the endpoint stumbles over, where one of ours is answered', async () => {
    await failTimes(5);
    later(1);
    probe.mockImplementation(async () => 'inactive');
    const error = down();
    expect(await fail(error)).toBe(error);
    expect(breaker.state).toBe('closed');
  });

  test('the half-open circuit stays open for as long again where the probe was not sent', async () => {
    await failTimes(5);
    later(1);
    probe.mockImplementationOnce(async () =>
      Promise.reject(down('authorization_server_unreachable', new CallNotSentError('too many'))),
    );
    await fail();
    expect(await succeed()).toMatchObject(refused(1));
    later(1);
    expect(await succeed()).toBe('answer');
  });

  test('a refusal of us closes the circuit, because it is an answer', async () => {
    await failTimes(5);
    later(1);
    await fail(down('authorization_server_refused_client'));
    expect(breaker.state).toBe('closed');
  });

  test('a probe that was not sent is followed by another one no later than the first', async () => {
    await failTimes(5);
    later(1);
    await fail(down('authorization_server_unreachable', new CallNotSentError('too many')));
    expect(await succeed()).toMatchObject(refused(1));
    later(1);
    expect(await succeed()).toBe('answer');
  });

  test('instances of an API probe at different times, because each pause is at least half as long and otherwise random', async () => {
    breaker = new CircuitBreaker(ISSUER, () => 0);
    await failTimes(5);
    later(0.5);
    await fail();
    later(0.999);
    expect(breaker.state).toBe('open');
    later(0.001);
    expect(breaker.state).toBe('half-open');
  });

  test('the circuit half-opens even after the clock has been set back', async () => {
    await failTimes(5);
    later(-3600);
    expect(await succeed()).toBe('answer');
  });
});

describe('a token that the endpoint stumbles over', () => {
  test('INV3: a token that failed before is not used as a probe while another may come, so it cannot keep the circuit open', async () => {
    for (let i = 0; i < 5; i++) await fail(down(), 'poison');
    later(1);
    expect(await succeed('poison')).toMatchObject(refused(1));
    expect(await succeed('good')).toBe('answer');
    expect(await succeed('poison')).toBe('answer');
  });

  test('INV3: a token counts as failed when its call has failed, not when its call was never sent', async () => {
    await fail(down('authorization_server_unreachable', new CallNotSentError('too many')), 'good');
    await failTimes(5);
    later(1);
    expect(await succeed('good')).toBe('answer');
  });

  test('INV3: at most a thousand failed tokens are remembered', async () => {
    const calls = Array.from({ length: 1001 }, (_, index) => begin(`token-${index}`));
    for (const { end } of calls) end(down());
    await Promise.all(calls.map(async ({ result }) => result));
    await settled();
    later(1);
    expect(await succeed('token-999')).toMatchObject(refused(1));
    expect(await succeed('token-1000')).toBe('answer');
  });

  test('INV3: a failed token becomes the probe when no other has come for a second, as it may be the only one', async () => {
    for (let i = 0; i < 5; i++) await fail(down(), 'only');
    later(1.999);
    expect(await succeed('only')).toMatchObject(refused(1));
    later(0.001);
    expect(await succeed('only')).toBe('answer');
  });
});

describe('what the circuit breaker logs', () => {
  test('the log says once that the circuit opens and once that it closes, with the issuer and the last failure', async () => {
    await failTimes(5);
    for (let i = 0; i < 3; i++) {
      later(30);
      await fail();
    }
    later(30);
    expect(log.ours).toHaveLength(1);
    await succeed();
    expect(log.ours).toHaveLength(2);
    await succeed();
    const last = 'last="OAuthError: authorization_server_unreachable: down"';
    expect(log.ours.map(({ level, text }) => [level, text])).toEqual([
      [
        'warn',
        `introspection has failed 5 times in a row, and is asked less often now: issuer=${ISSUER} ${last}`,
      ],
      ['log', `introspection answers again: issuer=${ISSUER}`],
    ]);
  });
});

describe('the channel of calls to authorization servers', () => {
  test('each call that was not sent is published', async () => {
    const events: unknown[] = [];
    const listener = (event: unknown): void => void events.push(event);
    subscribe(SERVER_CALL_CHANNEL, listener);
    await failTimes(6);
    unsubscribe(SERVER_CALL_CHANNEL, listener);
    expect(events).toEqual([
      { issuer: ISSUER, purpose: 'introspection', outcome: 'not-sent', status: undefined, duration: 0 },
    ]);
  });
});
