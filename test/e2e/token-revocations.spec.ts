import { Controller, Get, type INestApplication, Sse } from '@nestjs/common';
import { X509Certificate } from 'node:crypto';
import {
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  Policy,
  type Revocation,
  TokenRevocations,
} from 'nestjs-cert-bound-auth';
import { interval, map, type Observable } from 'rxjs';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.js';
import { KNOWN, knownButRefused, NEW, refusedAnew, startKnowingApi } from '../support/known-tokens.js';
import { openEvents } from '../support/open-events.js';
import { PLATFORMS } from '../support/platforms.js';
import { connectBy, connected, portOf, startGateways } from '../support/websockets.js';
import { clientOf, createWorld, startApi, startAuthorizationServer } from '../support/world.js';
import { SERVERS, startBank } from './graphql/bank.js';
import { connectTo, subscribeTo } from './graphql/subscriber.js';
import { ChatGateway, ran } from './websockets/chat.gateway.js';

const world = await createWorld();
beforeEach(() => {
  ran.length = 0;
});

/** As RFC 4514 writes it: Node prints the root first, one attribute a line. */
const ISSUER_OF_CLIENTS = new X509Certificate(world.client1.cert).issuer.split('\n').toReversed().join(',');

const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

const revoke = async (app: INestApplication, revocation: Revocation): Promise<void> =>
  app.get(TokenRevocations).revoke(revocation);

@Controller()
class PoliciesController {
  @Get() own(): string {
    return 'own';
  }
  @Get('partners') @Policy('partners') partners(): string {
    return 'partners';
  }
}

@Controller()
class EventsController {
  @Get() own(): string {
    return 'own';
  }
  @Sse('events') events(): Observable<object> {
    return interval(5).pipe(map((count) => ({ data: { count } })));
  }
}

describe.each(PLATFORMS)('tokens that an app revokes, on %s', (platform) => {
  test('a known JWT is refused on the next request after it was revoked, and so is one that was not known', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { options: { revocations: {} } });
    const claims = { sid: 'session 1' };
    const tokens = {
      known: await as.accessToken({ certificate: world.client1, subject: 'alice', claims }),
      unknown: await as.accessToken({ certificate: world.client1, subject: 'alice', claims }),
      opaque: as.opaqueToken({ certificate: world.client1, subject: 'alice' }),
      other: await as.accessToken({
        certificate: world.client1,
        subject: 'bob',
        claims: { sid: 'session 2' },
      }),
    };
    for (const token of [tokens.known, tokens.other]) expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(tokens.known)).toMatchObject(KNOWN);
    await revoke(api.app, { issuer: as.issuer, subject: 'alice' });
    expect(await api.call(tokens.known)).toMatchObject(knownButRefused('token_revoked'));
    expect(await api.call(tokens.unknown)).toMatchObject(refusedAnew('token_revoked'));
    expect(await api.call(tokens.other)).toMatchObject(KNOWN);
    await revoke(api.app, { issuer: as.issuer, sessionId: 'session 2' });
    expect(await api.call(tokens.other)).toMatchObject(knownButRefused('token_revoked'));
  });

  test('a token that was issued behind the cut-off passes, and a token that is bound to a revoked certificate does not', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { options: { revocations: {} } });
    const old = await as.accessToken({ certificate: world.client1, claims: { iat: nowInSeconds() - 60 } });
    const fresh = await as.accessToken({ certificate: world.client1 });
    const client = JSON.parse(Buffer.from(old.split('.')[1] ?? '', 'base64url').toString()) as {
      readonly client_id: string;
      readonly cnf: { readonly 'x5t#S256': string };
    };
    const issuedBefore = nowInSeconds() - 30;
    await revoke(api.app, { issuer: as.issuer, clientId: client.client_id, issuedBefore });
    expect(await api.call(old)).toMatchObject({ status: 401, reason: 'token_revoked' });
    expect(await api.call(fresh)).toMatchObject(NEW);
    await revoke(api.app, { issuer: as.issuer, certificateThumbprint: client.cnf['x5t#S256'] });
    expect(await api.call(fresh)).toMatchObject(knownButRefused('token_revoked'));
  });

  test('a token is refused by issuer and serial number of its certificate, whenever it was issued, and its stream ends', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [EventsController], { options: { revocations: {} } });
    const { serialNumber } = new X509Certificate(world.client1.cert);
    const [token, other] = [
      await as.accessToken({ certificate: world.client1 }),
      await as.accessToken({ certificate: world.client2 }),
    ];
    const stream = await openEvents(app, world, token);
    const certificate = { issuer: ISSUER_OF_CLIENTS, serialNumber: `00:${serialNumber.toLowerCase()}` };
    await revoke(app, { issuer: as.issuer, certificate: { ...certificate, serialNumber: '1234' } });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await revoke(app, { issuer: as.issuer, certificate });
    await clientOf(app, world, world.client1, token).get('/').expect(401);
    const later = await as.accessToken({ certificate: world.client1, claims: { iat: nowInSeconds() + 2 } });
    await clientOf(app, world, world.client1, later).get('/').expect(401);
    await clientOf(app, world, world.client2, other).get('/').expect(200);
    await eventually(() => stream.complete, 3_000);
  });

  test('INV5: no token outlives the memory of what is revoked: one that is older than maxTokenLifetime is refused', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, {
      options: { revocations: { maxTokenLifetime: 600 } },
      server: { jwt: { requiredClaims: [] } },
    });
    const token = await as.accessToken({ certificate: world.client1, lifetime: 10_000 });
    expect(await api.call(token)).toMatchObject(NEW);
    const without = { certificate: world.client1, claims: { iat: undefined } };
    expect(await api.call(await as.accessToken({ ...without, lifetime: 10_000 }))).toMatchObject(
      refusedAnew('token_too_old'),
    );
    expect(await api.call(await as.accessToken({ ...without, lifetime: 500 }))).toMatchObject(NEW);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 606_000 });
    expect(await api.call(token)).toMatchObject(refusedAnew('token_too_old'));
    vi.useRealTimers();
  });

  test('what is revoked holds for every policy of the app, and for no other app in the process', async () => {
    const as = await startAuthorizationServer(world);
    const options: Partial<CertBoundAuthOptions> = { revocations: {}, policies: { partners: {} } };
    const [one, other] = [
      await startApi(world, platform, as, [PoliciesController], { options }),
      await startApi(world, platform, as, [PoliciesController], { options }),
    ];
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const get = (app: INestApplication, path: string) => clientOf(app, world, world.client1, token).get(path);
    for (const app of [one, other]) for (const path of ['/', '/partners']) await get(app, path).expect(200);
    await revoke(one, { issuer: as.issuer, subject: 'alice' });
    for (const path of ['/', '/partners']) {
      await get(one, path).expect(401);
      await get(other, path).expect(200);
    }
  });

  test('nothing is accepted that validate has let in while its token was revoked', async () => {
    const as = await startAuthorizationServer(world);
    const waiting: (() => void)[] = [];
    const validate = async (): Promise<object> => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return { name: 'alice' };
    };
    const api = await startKnowingApi(world, platform, as, { options: { revocations: {}, validate } });
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const answer = api.call(token);
    await eventually(() => waiting.length > 0);
    await revoke(api.app, { issuer: as.issuer, subject: 'alice' });
    waiting[0]?.();
    expect(await answer).toMatchObject({ status: 401, reason: 'token_revoked' });
  });

  test('INV12: a stream ends within a second after its token was revoked, though nobody shows the token again', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [EventsController], { options: { revocations: {} } });
    const [token, other] = [
      await as.accessToken({ certificate: world.client1, subject: 'alice' }),
      await as.accessToken({ certificate: world.client1, subject: 'bob' }),
    ];
    const [ending, going] = [await openEvents(app, world, token), await openEvents(app, world, other)];
    await revoke(app, { issuer: as.issuer, subject: 'alice' });
    await eventually(() => ending.complete, 3_000);
    expect(going.complete).toBe(false);
  });

  test('nothing can be revoked without the option, and the error says what is missing', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [EventsController]);
    await expect(revoke(app, { issuer: as.issuer, subject: 'alice' })).rejects.toThrow(
      'give the module the option revocations: {}',
    );
  });

  test.each([
    [{ subject: 'alice' }, '"issuer" is undefined: name the issuer of the tokens'],
    [{ issuer: '' }, '"issuer" is string: give some text'],
    [
      { issuer: 'I' },
      'name one of subject, sessionId, tokenId, clientId, certificateThumbprint, certificate beside issuer',
    ],
    [{ issuer: 'I', certificate: 'CN=ca' }, '"certificate" is string: give { issuer, serialNumber }'],
    [{ issuer: 'I', certificate: { issuer: 'CN=ca' } }, 'give { issuer, serialNumber }'],
    [{ issuer: 'I', certificate: { issuer: 'CN=ca', serialNumber: '01', more: 1 } }, 'both text'],
    [
      { issuer: 'I', certificate: { issuer: 'CN=ca', serialNumber: 'g1' } },
      'serialNumber must be hexadecimal',
    ],
    [{ issuer: 'I', certificate: { issuer: 'ca', serialNumber: '01' } }, 'each part of it is a type'],
    [{ issuer: 'I', subject: undefined }, '"subject" is undefined: leave the member out, or name its value'],
    [{ issuer: 'I', subject: 'a', sessionId: undefined }, '"sessionId" is undefined: leave the member out'],
    [{ issuer: 'I', sub: 'alice' }, '"sub" is string: there is no such member'],
    [{ issuer: 'I', subject: 1 }, '"subject" is 1: give some text'],
    [
      { issuer: 'I', subject: 'a', issuedBefore: 1_800_000_000_000 },
      'seconds since the epoch, not milliseconds',
    ],
    [{ issuer: 'I', subject: 'a', issuedBefore: Number.NaN }, '"issuedBefore" is NaN'],
    [{ issuer: 'https://typo.example.com', subject: 'a' }, 'whose tokens are accepted nowhere'],
    [undefined, '"revocation" is undefined'],
  ])('what says %o is an error and revokes nothing', async (revocation, message) => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [EventsController], { options: { revocations: {} } });
    const given =
      revocation !== undefined && 'issuer' in revocation && revocation.issuer === 'I'
        ? { ...revocation, issuer: as.issuer }
        : revocation;
    await expect(revoke(app, given as Revocation)).rejects.toThrow(message);
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
  });

  test.each(['ws', 'socket.io'] as const)(
    'INV12: a connection over %s that sends nothing ends after its token was revoked',
    async (carrier) => {
      const as = await startAuthorizationServer(world);
      const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, revocations: {} });
      const app = await startGateways(world, platform, carrier, auth, [ChatGateway]);
      const connect = async (subject: string) => {
        const token = await as.accessToken({ certificate: world.client1, subject });
        const options = { port: portOf(app), token, certificate: world.client1 };
        return connected(connectBy(carrier, world, options));
      };
      const [alice, bob] = [await connect('alice'), await connect('bob')];
      await revoke(app, { issuer: as.issuer, subject: 'alice' });
      await eventually(() => alice.ended !== undefined, 3_000);
      expect(bob.ended).toBeUndefined();
      expect(await bob.ask('echo', 1)).toBe(1);
    },
  );
});

test.each(SERVERS)(
  'INV12: a subscription of GraphQL ends within a second after its token was revoked, and the next operation is refused: %s',
  async (server) => {
    const bank = await startBank(world, [server, 'code-first'], { options: { revocations: {} } });
    const token = await bank.as.accessToken({
      certificate: world.client1,
      scope: 'ticks',
      subject: 'alice',
    });
    const client = connectTo(bank, world, { certificate: world.client1, token });
    const ticks = subscribeTo(client, 'subscription { ticks }');
    await eventually(() => ticks.results.length > 0);
    await revoke(bank.app, { issuer: bank.as.issuer, subject: 'alice' });
    await eventually(() => ticks.isOver, 3_000);
    expect(ticks.results.at(-1)?.errors?.[0]?.message).toBe('The access token is no longer valid');
    const late = subscribeTo(client, 'subscription { ticks }');
    await eventually(() => late.isOver);
    expect(late.results.some(({ data }) => data?.['ticks'] !== undefined)).toBe(false);
  },
);
