import type { AuthorizationServerOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { always, eventually } from '../support/eventually.js';
import {
  KNOWN,
  knownButRefused,
  type KnowingApi,
  NEW,
  refusedAnew,
  startKnowingApi,
} from '../support/known-tokens.js';
import { PLATFORMS } from '../support/platforms.js';
import { API_CLIENT, createWorld, startAuthorizationServer } from '../support/world.js';

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

/** Seconds go by; timers run on. */
function later(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

const certificate = world.client1;
const listed = (uri: string, idx: unknown = 0): Readonly<Record<string, unknown>> => ({
  status: { status_list: { uri, idx } },
});

describe.each(PLATFORMS)('the status of tokens on %s', (platform) => {
  interface Started {
    readonly as: TestAuthorizationServer;
    readonly api: KnowingApi;
    /** Mints a JWT that the list has a place for. */
    readonly mint: (idx?: unknown, uri?: string) => Promise<string>;
  }

  const start = async (server: Partial<AuthorizationServerOptions> = {}): Promise<Started> => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { server });
    const uri = as.publishStatusList([0, 1, 2, 3], { bits: 2 });
    const mint: Started['mint'] = async (idx = 0, at = uri) =>
      as.accessToken({ certificate, claims: listed(at, idx), lifetime: 3_000 });
    return { as, api, mint };
  };

  test('TSL-5: a token passes whose list says that it is valid, and one that it revokes or suspends is refused', async () => {
    const { api, mint } = await start();
    expect(await api.call(await mint(0))).toMatchObject(NEW);
    for (const idx of [1, 2, 3]) {
      expect(await api.call(await mint(idx))).toMatchObject(refusedAnew('status_invalid'));
    }
  });

  test('a token that is known is refused once its list revokes it, and passes when it is valid again', async () => {
    const { as, api, mint } = await start({ statusList: { maxAge: 10 } });
    const token = await mint();
    expect(await api.call(token)).toMatchObject(NEW);
    expect(await api.call(token)).toMatchObject(KNOWN);
    as.publishStatusList([1]);
    later(10);
    expect(await api.call(token)).toMatchObject(knownButRefused('status_invalid'));
    expect(await api.call(token)).toMatchObject(knownButRefused('status_invalid'));
    as.publishStatusList([0]);
    later(10);
    expect(await api.call(token)).toMatchObject(KNOWN);
  });

  test('TSL-1: nobody fetches a list for a token that is refused in any other way, a stolen one among them', async () => {
    const { as, api, mint } = await start();
    const token = await mint();
    expect(await api.call(token, { certificate: 'none' })).toMatchObject({ status: 401 });
    expect(await api.call(token, { certificate: world.client2 })).toMatchObject({
      status: 401,
      reason: 'certificate_mismatch',
    });
    const expired = await as.accessToken({
      certificate,
      lifetime: -60,
      claims: listed(`${as.issuer}/statuslists/1`),
    });
    expect(await api.call(expired)).toMatchObject({ status: 401, reason: 'token_expired' });
    expect(as.count('status-list')).toBe(0);
  });

  test('TSL-4: a token that the list has no place for is refused', async () => {
    const { api, mint } = await start();
    expect(await api.call(await mint(4))).toMatchObject(refusedAnew('status_malformed'));
    expect(await api.call(await mint(2 ** 40))).toMatchObject(refusedAnew('status_malformed'));
  });

  test.each([['no number'], [-1], [null], [0.5]])(
    'TSL-2: a token whose place in a list is %s is refused',
    async (idx) => {
      const { api, mint } = await start();
      expect(await api.call(await mint(idx))).toMatchObject(refusedAnew('status_malformed'));
    },
  );

  test('TSL-9: a token whose list is at another origin than those of the options is refused, and nobody is called', async () => {
    const { as, api, mint } = await start();
    const other = await startAuthorizationServer(world);
    const token = await mint(0, other.publishStatusList([0]));
    expect(await api.call(token)).toMatchObject(refusedAnew('status_unsupported'));
    expect([other.requests, as.count('status-list')]).toEqual([[], 0]);
  });

  test('lists may be at another origin that the options name', async () => {
    const other = await startAuthorizationServer(world);
    const { as, api, mint } = await start({ statusList: { origins: [new URL(other.issuer).origin] } });
    const uri = other.publishStatusList([0]);
    // The server signs the list, whoever serves it.
    other.behave('status-list', {
      status: 200,
      headers: { 'content-type': 'application/statuslist+jwt' },
      body: await as.accessToken({
        header: { typ: 'statuslist+jwt' },
        claims: { sub: uri, status_list: { bits: 1, lst: 'eJxjAAAAAQAB' } },
      }),
    });
    expect(await api.call(await mint(0, uri))).toMatchObject(NEW);
  });

  test('TSL-11, INV3: a list that cannot be had is an outage for its tokens, known ones too, and for no others', async () => {
    const { as, api, mint } = await start({ statusList: { maxAge: 10 } });
    const token = await mint();
    expect(await api.call(token)).toMatchObject(NEW);
    as.behave('status-list', { status: 500 });
    later(10);
    const outage = { status: 503, reason: 'authorization_server_answer_invalid' };
    expect(await api.call(token)).toMatchObject({ ...outage, hit: true });
    expect(await api.call(await as.accessToken({ certificate, lifetime: 3_000 }))).toMatchObject(NEW);
    as.behave('status-list', 'normal');
    later(10);
    expect(await api.call(token)).toMatchObject(KNOWN);
  });

  test('an opaque token is refused whose list revokes it, by what introspection answers', async () => {
    const { as, api } = await start({ introspection: { clientAuthentication: API_CLIENT } });
    const uri = as.publishStatusList([0, 1]);
    const opaque = (idx: number): string => as.opaqueToken({ certificate, claims: listed(uri, idx) });
    expect(await api.call(opaque(0))).toMatchObject(NEW);
    expect(await api.call(opaque(1))).toMatchObject(refusedAnew('status_invalid'));
  });

  test('a JWT that its server is asked about has the status of either, and is refused where the two differ', async () => {
    const { as, api, mint } = await start({
      introspection: { clientAuthentication: API_CLIENT, tokens: 'all' },
    });
    const uri = as.publishStatusList([0, 1]);
    const answers = async (token: string, more: object): Promise<string> => {
      const { cnf } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
        readonly cnf: object;
      };
      const exp = Math.floor(Date.now() / 1000) + 60;
      as.answerIntrospection(token, { active: true, cnf, exp, aud: 'https://api.example.com', ...more });
      return token;
    };
    expect(await api.call(await answers(await mint(1), {}))).toMatchObject(refusedAnew('status_invalid'));
    const plain = await as.accessToken({ certificate });
    expect(await api.call(await answers(plain, listed(uri, 1)))).toMatchObject(refusedAnew('status_invalid'));
    expect(await api.call(await answers(await mint(0), listed(uri, 0)))).toMatchObject(NEW);
    for (const more of [listed(uri, 1), { status: 'active' }]) {
      expect(await api.call(await answers(await mint(0), more))).toMatchObject(
        refusedAnew('introspection_conflict'),
      );
    }
    const own = await as.accessToken({ certificate, claims: { status: 'gold' } });
    expect(await api.call(await answers(own, { status: 'active' }))).toMatchObject(NEW);
  });

  test('nobody looks at the status of tokens where the app says so', async () => {
    const { as, api, mint } = await start({ statusList: false });
    expect(await api.call(await mint(1))).toMatchObject(NEW);
    expect(as.count('status-list')).toBe(0);
  });

  test('a status list is no access token, whatever types are accepted', async () => {
    const as = await startAuthorizationServer(world);
    const api = await startKnowingApi(world, platform, as, { server: { jwt: { typ: false } } });
    const list = await as.accessToken({ certificate, header: { typ: 'statuslist+jwt' } });
    expect(await api.call(list)).toMatchObject(refusedAnew('token_type_mismatch'));
  });

  test('a token that is refused once never passes again while its list changes under load, and the others pass', async () => {
    const { as, api } = await start({ statusList: { maxAge: 1 } });
    const uri = as.publishStatusList([0, 0, 0]);
    const tokens = await Promise.all(
      [0, 1, 2].map(async (idx) => as.accessToken({ certificate, claims: listed(uri, idx) })),
    );
    const statuses = async (): Promise<string> => {
      const all = await Promise.all(tokens.map(async (token) => (await api.call(token)).status));
      return all.join();
    };
    expect(await statuses()).toBe('200,200,200');
    const seen = new Set<string>();
    const becomes = async (expected: string): Promise<void> =>
      eventually(async () => {
        const now = await statuses();
        seen.add(now);
        return now === expected;
      });
    as.publishStatusList([1, 0, 0]);
    await becomes('401,200,200');
    as.publishStatusList([1, 0, 1]);
    await becomes('401,200,401');
    as.publishStatusList([1, 1, 1]);
    await becomes('401,401,401');
    await always(async () => (await statuses()) === '401,401,401', 1_500);
    expect([...seen].filter((each) => !/^(?:200,200,200|401,200,200|401,\d+,401)$/.test(each))).toEqual([]);
  });
});
