import { SharedSignals, type Signal } from 'nestjs-cert-bound-auth/shared-signals';
import type { RevocationStore } from 'nestjs-cert-bound-auth';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { caep } from '../../support/event-types.js';
import { always, eventually } from '../../support/eventually.js';
import { type Platform, PLATFORMS } from '../../support/platforms.js';
import { type SignalApi, type SignalApiOptions, startSignalApi } from '../../support/signal-api.js';
import { push, RECEIVER, type SetOptions, TestTransmitter } from '../../support/transmitter.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

interface Scene extends SignalApi {
  readonly transmitter: TestTransmitter;
  readonly token: string;
  readonly state: () => string | undefined;
  /** What ends all that alice has. */
  readonly revocation: SetOptions;
}

interface SceneOptions extends Omit<SignalApiOptions, 'transmitter'> {
  readonly authorizationHeader?: () => Promise<string>;
}

async function stage(
  platform: Platform,
  prepare: (transmitter: TestTransmitter) => unknown = () => undefined,
  { authorizationHeader, ...options }: SceneOptions = {},
): Promise<Scene> {
  const as = await startAuthorizationServer(world);
  const transmitter = await TestTransmitter.start(world);
  await prepare(transmitter);
  const { signals = { path: undefined } } = options;
  const polled = { delivery: 'poll', endpoint: transmitter.pollEndpoint, authorizationHeader };
  const api = await startSignalApi(
    world,
    platform,
    { as, transmitter },
    { ...options, transmitter: polled, signals },
  );
  const subject = { format: 'iss_sub', iss: as.issuer, sub: 'alice' };
  return {
    ...api,
    transmitter,
    token: await as.accessToken({ certificate: world.client1, subject: 'alice', lifetime: 7_000 }),
    state: () => api.app.get(SharedSignals, { strict: false }).health()[0]?.state,
    revocation: { type: caep('session-revoked'), subject },
  };
}

describe.each(PLATFORMS)('a transmitter that is polled, on %s', (platform) => {
  test('RFC8936-2.4: what waits is refused from then on, and acknowledged by the next call when it is stored', async () => {
    const { call, token, transmitter, revocation } = await stage(platform, undefined, {
      authorizationHeader: async () => 'Bearer for polls',
    });
    expect(await call(token)).toBe(200);
    const jti = await transmitter.offer(revocation);
    await eventually(() => transmitter.waiting.size === 0);
    expect(await call(token)).toBe(401);
    const [first] = transmitter.polls;
    expect(first).toMatchObject({
      maxEvents: 100,
      returnImmediately: false,
      headers: {
        authorization: 'Bearer for polls',
        'content-type': 'application/json',
        accept: 'application/json',
      },
    });
    expect(first).not.toHaveProperty('ack');
    expect(transmitter.polls.flatMap(({ ack = [] }) => ack)).toEqual([jti]);
  });

  test('RFC8936-2.4: what was there before the app began comes first, and is asked for at once while there is more', async () => {
    const { call, token, transmitter } = await stage(platform, async (made) => {
      made.mostSets = 2;
      for (let index = 0; index < 5; index += 1) await made.offer();
    });
    await eventually(() => transmitter.waiting.size === 0);
    await eventually(() => transmitter.polls.length > 3);
    const [one, two, three, four] = transmitter.polls.map(({ returnImmediately }) => returnImmediately);
    expect([one, two, three, four]).toEqual([false, true, true, false]);
    expect(await call(token)).toBe(200);
  });

  test('RFC8936-2.6: a token that is not accepted is told as an error, and others are acknowledged all the same', async () => {
    const { call, token, transmitter, revocation } = await stage(platform, async (made) => {
      await made.offer({ fault: 'foreign-key' });
      made.waiting.set('misnamed', await made.set());
      made.waiting.set('no token', 'x.y');
    });
    await transmitter.offer(revocation);
    await eventually(() => transmitter.waiting.size === 0);
    expect(await call(token)).toBe(401);
    const told = transmitter.polls.filter(({ setErrs }) => setErrs !== undefined);
    expect(told.every(({ headers }) => headers['content-language'] === 'en')).toBe(true);
    const errors = Object.assign({}, ...told.map(({ setErrs }) => setErrs)) as Record<
      string,
      { err: string }
    >;
    expect(errors['misnamed']?.err).toBe('invalid_request');
    expect(errors['no token']?.err).toBe('invalid_request');
    expect(Object.values(errors).map(({ err }) => err)).toContain('authentication_failed');
  });

  test('INV3: nothing is acknowledged that the store has not kept, and it is when it comes again', async () => {
    let isDown = true;
    const store: RevocationStore = {
      follow: () => ({
        currentUntil: Infinity,
        problem: undefined,
        start: async () => undefined,
        close: () => undefined,
        keep: async (entries) => {
          if (isDown) throw new Error('it is down');
          return entries;
        },
      }),
    };
    const told: Signal[] = [];
    const { call, token, transmitter, revocation } = await stage(platform, undefined, {
      options: { revocations: { store } },
      signals: { onSignal: (signal) => told.push(signal) },
    });
    const jti = await transmitter.offer(revocation);
    await eventually(() => transmitter.polls.length > 2, 10_000);
    expect(transmitter.waiting.has(jti)).toBe(true);
    expect([await call(token), told]).toEqual([200, []]);
    isDown = false;
    await eventually(() => transmitter.waiting.size === 0, 10_000);
    expect([await call(token), told.length]).toEqual([401, 1]);
  });

  test.each([
    ['an error', { status: 500 }],
    ['nonsense', { status: 200, body: '[]' }],
    ['sets that are none', { status: 200, body: '{"sets":[]}' }],
    ['a set that is no text', { status: 200, body: '{"sets":{"a":1}}' }],
  ])('a transmitter that answers with %s is asked less often, and nothing is lost', async (_, answer) => {
    const { call, token, transmitter, revocation } = await stage(platform, (made) =>
      made.answers.set('/poll', answer),
    );
    const jti = await transmitter.offer(revocation);
    await eventually(() => transmitter.polls.length > 1);
    expect(transmitter.polls.length).toBeLessThan(10);
    expect(transmitter.waiting.has(jti)).toBe(true);
    transmitter.answers.clear();
    await eventually(() => transmitter.waiting.size === 0, 10_000);
    expect(await call(token)).toBe(401);
  });

  test('one that does not answer for five minutes is silent, and is heard with its next answer, though nothing has happened', async () => {
    const { call, token, transmitter, state } = await stage(platform);
    await eventually(() => transmitter.polls.length > 1);
    expect([await call(token), state()]).toEqual([200, 'heard']);
    transmitter.answers.set('/poll', { status: 503 });
    const before = transmitter.polls.length;
    await eventually(() => transmitter.polls.length > before);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 310_000 });
    expect([await call(token), state()]).toEqual([503, 'silent']);
    transmitter.answers.clear();
    await eventually(() => state() === 'heard', 10_000);
    expect(await call(token)).toBe(200);
  });

  test('a transmitter whose keys cannot be fetched is not heard, though it answers each poll', async () => {
    const { call, token, transmitter, state, revocation } = await stage(platform, (made) => {
      made.answers.set('/jwks', { status: 503 });
    });
    const jti = await transmitter.offer(revocation);
    await eventually(() => transmitter.polls.length > 2, 10_000);
    expect(state()).toBe('heard');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 310_000 });
    const before = transmitter.polls.length;
    await eventually(() => transmitter.polls.length > before + 1, 10_000);
    expect([await call(token), state(), transmitter.waiting.has(jti)]).toEqual([503, 'silent', true]);
  });

  test('INV3: an event that cannot be stored keeps none behind it back, and its transmitter is not heard', async () => {
    const { call, token, transmitter, state, revocation } = await stage(platform, undefined, {
      signals: {
        path: undefined,
        onSignal: ({ type }) => {
          if (type.endsWith('risk-level-change')) throw new Error('the app fails for this one');
        },
      },
    });
    const poisoned = await transmitter.offer({ type: caep('risk-level-change') });
    const behind = await transmitter.offer(revocation);
    await eventually(() => !transmitter.waiting.has(behind));
    expect(await call(token)).toBe(401);
    expect(transmitter.waiting.has(poisoned)).toBe(true);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 310_000 });
    const before = transmitter.polls.length;
    await eventually(() => transmitter.polls.length > before + 1, 10_000);
    expect([state(), transmitter.waiting.has(poisoned)]).toEqual(['silent', true]);
  });

  test('RFC8936-2.6: answers of which every token is refused do not count as heard', async () => {
    const { transmitter, state } = await stage(platform, (made) => {
      const sets = { misnamed: 'x.y' };
      made.answers.set('/poll', { status: 200, body: JSON.stringify({ sets }) });
    });
    await eventually(() => transmitter.polls.some(({ setErrs }) => setErrs !== undefined));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 310_000 });
    const before = transmitter.polls.length;
    await eventually(() => transmitter.polls.length > before + 1, 10_000);
    expect(state()).toBe('silent');
  });

  test('a transmitter that answers at once without news is asked once a second, and what is new at once', async () => {
    const { transmitter } = await stage(platform, (made) => {
      made.longPoll = 1;
    });
    await eventually(() => transmitter.polls.length > 1, 10_000);
    const before = transmitter.polls.length;
    await always(() => transmitter.polls.length <= before + 1, 700);
    await transmitter.offer();
    await eventually(() => transmitter.waiting.size === 0);
  });

  test('it is asked until the app ends, and ends at once though a call waits', async () => {
    const { app, transmitter } = await stage(platform, (made) => {
      made.longPoll = 60_000;
    });
    await eventually(() => transmitter.polls.length === 1);
    const began = performance.now();
    await app.close();
    expect(performance.now() - began).toBeLessThan(5_000);
    transmitter.longPoll = 1;
    await transmitter.offer();
    expect(transmitter.polls).toHaveLength(1);
  });

  test('RFC8935-2.3: one that is polled cannot push, though another one does', async () => {
    const pushing = await TestTransmitter.start(world);
    const tls = { ca: world.ca.cert };
    const { app, transmitter, call, token, revocation } = await stage(platform, undefined, {
      signals: (polled) => ({
        path: '/signals',
        transmitters: [
          polled,
          {
            issuer: pushing.issuer,
            audience: RECEIVER,
            delivery: 'push',
            tls,
            subjects: polled.subjects ?? {},
          },
        ],
      }),
    });
    const answer = await push(app, world, await transmitter.set(revocation));
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([400, { err: 'access_denied' }]);
    expect(await call(token)).toBe(200);
    expect(await push(app, world, await pushing.set(revocation))).toMatchObject({ status: 202 });
    expect(await call(token)).toBe(401);
  });
});
