import { afterEach, describe, expect, it, vi } from 'vitest';
import { bearerRequest } from './load/request.js';
import { Judge } from './load/judge.js';
import { ResponseReader, type Response } from './load/response-reader.js';
import { always, type Attempt, type Caller } from './kinds/kind.js';
import { Random } from './random.js';
import { describeWrong, failuresOf, type Part } from './record/report.js';
import { Tally, type WrongDecision } from './record/tally.js';
import { readSoakOptions } from './soak-options.js';
import { KEY_CACHE, UNDER_WAY } from './timing.js';
import { FaultDeck } from './world/fault-deck.js';
import { mintJwt, statusesForJwt } from './world/jwt.js';
import { KeyRing } from './world/key-ring.js';
import { OpaqueTokens, statusesForOpaque } from './world/opaque-tokens.js';

const CALLER = { realm: { name: 'express' } } as Caller;
const MIB = 2 ** 20;

afterEach(() => vi.useRealTimers());

function partWith(changes: Partial<Part> = {}): Part {
  const tally = new Tally();
  tally.count('any', 200);
  const kinds = [{ name: 'any', proves: [200] }];
  return { title: 'Part', tally, seconds: 1, kinds, memory: [], notes: [], failures: [], ...changes };
}

/** What a part has failed by in which this was answered to an attempt. */
async function failuresAfter(
  attempt: Partial<Attempt>,
  response: Partial<Response>,
): Promise<readonly string[]> {
  const part = partWith();
  const judge = new Judge(
    part.tally,
    async () => ['a decision'],
    () => undefined,
  );
  await judge.judge(
    { name: 'any' },
    CALLER,
    { request: bearerRequest('/', 'token'), token: 'token', allowed: always(200), ...attempt },
    { status: 200, retryAfter: undefined, challenge: undefined, last: false, body: '', ...response },
    { sentAt: 0, receivedAt: 1 },
  );
  return failuresOf(part);
}

describe('the verdict of a soak', () => {
  it.each([
    ['a good token is refused', {}, { status: 401, challenge: 'Bearer' }],
    ['a bad token passes', { allowed: always(401) }, { status: 200 }],
    ['a 503 has no Retry-After', { allowed: always(503) }, { status: 503 }],
    ['a refusal has no challenge', { allowed: always(401) }, { status: 401 }],
    ['a handler gets the token of somebody else', { subject: 'one' }, { body: '{"subject":"two"}' }],
  ])('the soak fails when %s', async (_, attempt, response) => {
    expect(await failuresAfter(attempt, response)).toEqual(['1 wrong decisions']);
  });

  it('the soak fails on a 5xx other than 503, even if it is allowed', async () => {
    const failures = await failuresAfter({ allowed: always(500) }, { status: 500, challenge: 'Bearer' });
    expect(failures).toEqual(['1 answers 5xx other than 503']);
  });

  it('the soak fails when memory grows, and not when it stays', () => {
    const memory = [100, 135].map((heap) => ({ heap: heap * MIB, rss: 0 }));
    expect(failuresOf(partWith({ memory }))).toEqual([]);
    expect(failuresOf(partWith({ memory: [...memory, { heap: 136 * MIB, rss: 0 }] }))).toEqual([
      'memory grows',
    ]);
  });

  it('the soak fails when a connection is lost though nothing has changed', () => {
    const part = partWith();
    part.tally.strange.push('the connection ended');
    expect(failuresOf(part)).toEqual(['1 strange connections, the first: the connection ended']);
  });

  it('the soak fails when a kind of request was never answered as it must be', () => {
    const kinds = [{ name: 'any', proves: [401] }];
    expect(failuresOf(partWith({ kinds }))).toEqual(['any: never answered 401, so nothing was shown']);
  });

  it('the soak does not fail when all is well, and no token is shown of what is wrong', async () => {
    expect(await failuresAfter({}, {})).toEqual([]);
    const shown: string[] = [];
    const show = (wrong: WrongDecision): unknown => shown.push(describeWrong(wrong));
    const attempt = { request: bearerRequest('/', 'secret'), token: 'secret', allowed: always(401) };
    const response = { status: 200, retryAfter: undefined, challenge: undefined, last: false, body: '' };
    const exchange = { sentAt: 0, receivedAt: 1 };
    await new Judge(new Tally(), async () => ['refused 401 key_unknown'], show).judge(
      { name: 'any' },
      CALLER,
      attempt,
      response,
      exchange,
    );
    expect(shown).toEqual([expect.stringContaining('expected 401, got status 200')]);
    expect(shown[0]).toContain('the server: refused 401 key_unknown');
    expect(shown[0]).not.toContain('secret');
  });
});

describe('what is right is known by how a request was made', () => {
  it('a token of a withdrawn key may pass for maxAge, and never again once it was refused', () => {
    vi.useFakeTimers({ now: 1_000_000 });
    const ring = new KeyRing();
    ring.publish();
    const jwt = mintJwt({ issuer: 'https://as', key: ring.oldest, lifetime: 3_600_000 });
    const at = (moment: number): readonly number[] =>
      statusesForJwt(jwt, { sentAt: moment, receivedAt: moment });
    expect(at(1_000_000)).toEqual([200]);

    ring.keep(1);
    const latest = 1_000_000 + KEY_CACHE.maxAge * 1000 + UNDER_WAY;
    expect([at(999_999), at(latest), at(latest + 1)]).toEqual([[200], [200, 401, 503], [401, 503]]);

    vi.setSystemTime(1_005_000);
    jwt.key.refused();
    expect([at(1_005_000), at(1_005_001)]).toEqual([
      [200, 401, 503],
      [401, 503],
    ]);
  });

  it('a token that expires under way may be answered either way, and one that has expired is refused', () => {
    const { newest: key } = new KeyRing();
    const jwt = mintJwt({ issuer: 'https://as', key, lifetime: 10_000 });
    const during = (sentAt: number, receivedAt: number): readonly number[] =>
      statusesForJwt(jwt, { sentAt: jwt.expiresAt + sentAt, receivedAt: jwt.expiresAt + receivedAt });
    expect([during(-2, -1), during(-1, 0), during(1_999, 2_000), during(2_000, 2_001)]).toEqual([
      [200],
      [200, 401],
      [200, 401],
      [401],
    ]);
  });

  it('an opaque token that is revoked may pass for as long as answers are kept', () => {
    vi.useFakeTimers({ now: 1_000_000 });
    const tokens = new OpaqueTokens();
    const token = tokens.issue('thumbprint');
    const at = (moment: number): readonly number[] =>
      statusesForOpaque(token, { sentAt: moment, receivedAt: moment });
    expect([at(1_000_000), tokens.find(token.token)]).toEqual([[200, 503], token]);
    tokens.revoke(token);
    expect([at(1_004_000), at(1_004_001), tokens.find(token.token)]).toEqual([
      [200, 401, 503],
      [401, 503],
      undefined,
    ]);
  });
});

describe('the load of the soak', () => {
  it('an authority fails a third of the time, and never more than four times in a row', () => {
    const deck = new FaultDeck(new Random(1));
    const cards = Array.from({ length: 30_000 }, () => deck.deal());
    expect(cards.filter((card) => card !== 'well')).toHaveLength(10_000);
    expect(new Set(cards).size).toBe(6);
    const runs = cards
      .map((card) => (card === 'well' ? ' ' : 'x'))
      .join('')
      .split(' ');
    expect(Math.max(...runs.map(({ length }) => length))).toBe(4);
  });

  it('a response counts when it is complete, in however many pieces it comes', () => {
    const reader = new ResponseReader();
    const text =
      'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}';
    const responses = text.split('').map((character) => reader.read(Buffer.from(character)));
    expect(responses.slice(0, -1).every((response) => response === undefined)).toBe(true);
    const last = { status: 503, retryAfter: '5', challenge: undefined, last: true, body: '{}' };
    expect(responses.at(-1)).toEqual(last);
    expect(() => reader.read(Buffer.from(`${text}HTTP`))).toThrow('more than one response');
  });

  it('the short form is asked for by name, or by a small number', () => {
    const environment = { SOAK_SEED: '7' };
    expect(readSoakOptions(['--short'], environment)).toMatchObject({
      requests: 6_000,
      seconds: 20,
      seed: 7,
    });
    expect(readSoakOptions([], { SOAK_REQUESTS: '9000' })).toMatchObject({ requests: 9_000, seconds: 20 });
    expect(readSoakOptions([], {})).toMatchObject({ requests: 200_000, rotationRequests: 5_000 });
    expect(() => readSoakOptions([], { SOAK_REQUESTS: 'many' })).toThrow('SOAK_REQUESTS');
  });
});
