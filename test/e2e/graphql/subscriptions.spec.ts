import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AccessDecision, DECISION_CHANNEL } from 'nestjs-cert-bound-auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { always, eventually } from '../../support/eventually.js';
import { createWorld, whenOver } from '../../support/world.js';
import { COMBINATIONS, openStreams, ran, SERVERS, startBank } from './bank.js';
import { connectTo, subscribeTo } from './subscriber.js';

const world = await createWorld();
const { client1, client2 } = world;

beforeEach(() => {
  ran.splice(0);
});

const TICKS = 'subscription { ticks }';

/** What is decided from now on until the test is over. */
function watchDecisions(): readonly AccessDecision[] {
  const seen: AccessDecision[] = [];
  const note = (decision: unknown): unknown => seen.push(decision as AccessDecision);
  subscribe(DECISION_CHANNEL, note);
  whenOver(async () => unsubscribe(DECISION_CHANNEL, note));
  return seen;
}

describe.each(COMBINATIONS)('INV12: subscriptions by graphql-ws served by %s, %s', (...combination) => {
  test('nobody gets an event without a token, by the certificate of another, or without the scope', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks' });
    const poor = await bank.as.accessToken({ certificate: client1, scope: 'other' });
    const callers = [
      [{}, 'UNAUTHENTICATED'],
      [{ certificate: client1 }, 'UNAUTHENTICATED'],
      [{ token }, 'UNAUTHENTICATED'],
      [{ certificate: client2, token }, 'UNAUTHENTICATED'],
      [{ certificate: client1, token: poor }, 'FORBIDDEN'],
    ] as const;
    for (const [caller, code] of callers) {
      const ticks = subscribeTo(connectTo(bank, world, caller), TICKS);
      await eventually(() => ticks.isOver);
      expect(ticks.codes).toEqual([code]);
      expect(
        ticks.results.filter(({ data }) => data?.['ticks'] !== undefined && data['ticks'] !== null),
      ).toEqual([]);
    }
    expect(ran).toEqual([]);
  });

  test('connectionParams are never a source of credentials, whatever the server makes of them', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks' });
    const authorization = `Bearer ${token}`;
    for (const connectionParams of [
      { authorization },
      { headers: { authorization } },
      { Authorization: authorization },
    ]) {
      const client = connectTo(bank, world, { certificate: client1, connectionParams });
      for (const _ of [1, 2]) {
        const ticks = subscribeTo(client, TICKS);
        await eventually(() => ticks.isOver);
        expect(ticks.codes).toEqual(['UNAUTHENTICATED']);
      }
    }
    expect(ran).toEqual([]);
  });

  test('the owner of a token gets events, several subscriptions on one connection, and an event of each decision', async () => {
    const bank = await startBank(world, combination);
    const decisions = watchDecisions();
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks' });
    const client = connectTo(bank, world, { certificate: client1, token });
    const [one, other] = [subscribeTo(client, TICKS), subscribeTo(client, TICKS)];
    await eventually(() => one.results.length > 2 && other.results.length > 2);
    expect(one.results[0]).toEqual({ data: { ticks: 1 } });
    expect([...one.codes, ...other.codes]).toEqual([]);
    expect(decisions.map(({ outcome, route }) => `${outcome} ${route}`)).toEqual([
      'accepted Subscription.ticks',
      'accepted Subscription.ticks',
    ]);
    one.stop();
    other.stop();
    await eventually(() => openStreams === 0);
  });

  test('a subscription ends with its token: the last thing that it tells is an error', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks', lifetime: 3 });
    const client = connectTo(bank, world, { certificate: client1, token });
    const ticks = subscribeTo(client, TICKS);
    await eventually(() => ticks.results.length > 2);
    await eventually(() => ticks.isOver);
    expect(ticks.codes).toEqual(['UNAUTHENTICATED']);
    expect(ticks.results.at(-1)?.errors?.[0]).toMatchObject({
      message: 'The access token has expired',
      extensions: { code: 'UNAUTHENTICATED', error: 'invalid_token' },
    });
    await eventually(() => openStreams === 0);

    // The connection is still there; what comes later is decided about again.
    const late = subscribeTo(client, TICKS);
    await eventually(() => late.isOver);
    expect(late.codes).toEqual(['UNAUTHENTICATED']);
    expect(ran).toEqual(['ticks']);
  });

  test('a subscription ends with an error when a later operation shows that its token is revoked', async () => {
    const bank = await startBank(world, combination);
    const token = bank.as.opaqueToken({ certificate: client1, scope: 'ticks' });
    const client = connectTo(bank, world, { certificate: client1, token });
    const ticks = subscribeTo(client, TICKS);
    await eventually(() => ticks.results.length > 0);
    bank.as.revoke(token);
    const late = subscribeTo(client, TICKS);
    await eventually(() => late.isOver && ticks.isOver);
    expect(ticks.results.at(-1)?.errors?.[0]).toMatchObject({
      message: 'The access token is no longer valid',
      extensions: { code: 'UNAUTHENTICATED', error: 'invalid_token' },
    });
    await eventually(() => openStreams === 0);
  });

  test('a public subscription may ask for the certificate of its connection', async () => {
    const bank = await startBank(world, combination);
    const caller = subscribeTo(connectTo(bank, world, { certificate: client1 }), 'subscription { caller }');
    await eventually(() => caller.results.length > 0);
    expect(caller.results[0]).toEqual({ data: { caller: expect.stringContaining('client1') as string } });
    caller.stop();
  });
});

describe.each(SERVERS)('INV12: connections of graphql-ws that live on, on %s', (server) => {
  const combination = [server, 'code-first'] as const;

  test('streams: keep lets events go on past the end of the token, and later operations are refused', async () => {
    const bank = await startBank(world, combination, { options: { streams: 'keep' } });
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks', lifetime: 2 });
    const client = connectTo(bank, world, { certificate: client1, token });
    const ticks = subscribeTo(client, TICKS);
    await eventually(() => ticks.results.length > 0);
    await always(() => !ticks.isOver, 2500);
    expect(ticks.codes).toEqual([]);
    const late = subscribeTo(client, TICKS);
    await eventually(() => late.isOver);
    expect(late.codes).toEqual(['UNAUTHENTICATED']);
  });

  test('INV3: an outage at the first operation of a connection says nothing of the next one', async () => {
    const bank = await startBank(world, combination);
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks' });
    await bank.as.stop();
    const client = connectTo(bank, world, { certificate: client1, token });
    const ticks = subscribeTo(client, TICKS);
    await eventually(() => ticks.isOver);
    expect(ticks.codes).toEqual(['SERVICE_UNAVAILABLE']);
    await bank.as.resume();
    await eventually(async () => {
      const next = subscribeTo(client, TICKS);
      await eventually(() => next.isOver || next.results.length > 0);
      return next.codes.length === 0;
    }, 20_000);
  });

  test('a field that is not public is refused at every event of a public subscription', async () => {
    const bank = await startBank(world, combination);
    const open = subscribeTo(connectTo(bank, world), 'subscription { news { id label balance } }');
    await eventually(() => open.results.length > 2);
    open.stop();
    expect(new Set(open.codes)).toEqual(new Set(['UNAUTHENTICATED']));
    expect(open.results[0]?.data).toEqual({ news: { id: '1', label: 'account 1', balance: null } });
    expect(ran).not.toContain('balance');

    const token = await bank.as.accessToken({ certificate: client1, scope: 'balance:read', lifetime: 3 });
    const client = connectTo(bank, world, { certificate: client1, token });
    const news = subscribeTo(client, 'subscription { news { balance } }');
    await eventually(() => news.results.length > 2);
    expect(news.codes).toEqual([]);
    expect(news.results[0]).toEqual({ data: { news: { balance: 1 } } });
    await eventually(() => news.codes.length > 0);
    expect(news.codes[0]).toBe('UNAUTHENTICATED');
    news.stop();
  });
});

describe('what a client writes into a message of mercurius', () => {
  test('onConnect that puts it into the context makes no request of it', async () => {
    const bank = await startBank(world, ['mercurius', 'code-first'], {
      graphql: {
        subscription: { onConnect: ({ payload }: { readonly payload: object }) => ({ ...payload }) },
      },
    });
    const token = await bank.as.accessToken({ certificate: client1, scope: 'ticks' });
    const headers = { authorization: `Bearer ${token}` };
    const request = { headers, raw: { headers, rawHeaders: ['authorization', headers.authorization] } };
    const connectionParams = { request, req: request, reply: { request, raw: { writeHead: 1 } } };
    const client = connectTo(bank, world, { certificate: client1, connectionParams });
    const ticks = subscribeTo(client, TICKS);
    await eventually(() => ticks.isOver);
    expect(ticks.codes).toEqual(['UNAUTHENTICATED']);
    expect(ran).toEqual([]);
  });
});
