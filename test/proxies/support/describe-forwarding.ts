import { Agent } from 'node:https';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS } from '../../support/platforms.js';
import { AUDIENCE } from '../../support/world.js';
import type { ShownCertificate } from './certificate-controller.js';
import type { ForwardingProxy } from './forwarding-proxies.js';
import { type ForwardingStage, type StageCall, type StageOptions, startStage } from './forwarding-stage.js';
import { brokenCopies, headerCopies } from './header-copies.js';
import { createProxyWorld, type ProxyWorld } from './proxy-world.js';
import { type Answer, type SentHeaders, statusOfText } from './public-client.js';

/** Starts a stage with this proxy and platform. */
export type Start = (options?: StageOptions) => Promise<ForwardingStage>;

/**
 * Everything that holds behind every proxy.
 * @param more what holds behind this one alone
 */
export function describeForwarding(
  proxy: ForwardingProxy,
  more?: (world: () => ProxyWorld, start: Start, platform: Platform) => void,
): void {
  const { kind, write, onUnacceptable, onTooLong, sharing = {} } = proxy;
  let world: ProxyWorld;
  let dpop: TestDpopClient;
  beforeAll(async () => {
    [world, dpop] = await Promise.all([createProxyWorld(), TestDpopClient.create()]);
  });

  describe.each(PLATFORMS)(`an API behind ${kind}, as docs/proxies sets it up, on %s`, (platform) => {
    const start: Start = async (options) => startStage(proxy, platform, world, options);

    test('RFC8705-1: a token works with the certificate that its client proved to the proxy, and with no other', async () => {
      const { as, call } = await start();
      const token = await as.accessToken({ certificate: world.client1 });
      const right = await call({ token, certificate: world.client1 });
      expect([right.status, right.body]).toEqual([
        200,
        {
          thumbprint: world.client1.thumbprint,
          subject: 'CN=client1',
          chainVerified: true,
          connection: expect.any(Number) as number,
        },
      ]);
      for (const certificate of [world.client2, undefined]) {
        const { status, headers } = await call({ token, certificate });
        expect([status, headers['www-authenticate']]).toEqual([
          401,
          expect.stringContaining('error="invalid_token"'),
        ]);
      }
    });

    test('INV2: a certificate of another CA, or one that has expired, is refused by the proxy', async () => {
      const { as, call } = await start();
      for (const certificate of [world.foreign, world.expired]) {
        const token = await as.accessToken({ certificate });
        expect(await outcome(call({ token, certificate }))).toBe(onUnacceptable);
      }
    });

    test('INV2: the header that a client sends never wins over what the proxy writes', async () => {
      const { as, call } = await start();
      const [stolen, own] = await Promise.all([
        as.accessToken({ certificate: world.client1 }),
        as.accessToken({ certificate: world.client2 }),
      ]);
      for (const [way, headers] of Object.entries(headerCopies(write(world.client1)))) {
        const send = async (each: StageCall): Promise<number> => (await call({ ...each, headers })).status;
        expect([
          way,
          await send({ token: stolen, certificate: world.client2 }),
          await send({ token: stolen }),
          await send({ token: own, certificate: world.client2 }),
        ]).toEqual([way, 401, 401, 200]);
      }
    });

    test('INV2: the header of a client does not win either when Connection makes the proxy remove its own', async () => {
      const { as, call } = await start();
      const token = await as.accessToken({ certificate: world.client1 });
      for (const [way, copy] of Object.entries(headerCopies(write(world.client1)))) {
        const headers = [['Connection', 'close, X-SSL-Client-Cert, X-SSL-Client-Verify'], ...copy] as const;
        const own = await call({ token, certificate: world.client2, headers });
        const none = await call({ token, headers });
        expect([way, own.status, none.status]).toEqual([way, 401, 401]);
      }
    });

    test('INV2: the header of a client does not win either in a line that is not a proper header', async () => {
      const { as, caller } = await start();
      const token = await as.accessToken({ certificate: world.client1 });
      const bearer = `Authorization: Bearer ${token}`;
      expect(await statusOfText(caller(world.client1), [bearer])).toBe(200);
      for (const [way, lines] of Object.entries(brokenCopies(write(world.client1)))) {
        for (const certificate of [world.client2, undefined]) {
          const status = await statusOfText(caller(certificate), [bearer, ...lines]);
          expect([400, 401], way).toContain(status);
        }
      }
    });

    test('INV2: the header means nothing when it comes around the proxy, and the log tells of it', async () => {
      const { as, callDirectly, logger } = await start();
      const token = await as.accessToken({ certificate: world.client1 });
      const verdict = ['X-SSL-Client-Verify', 'SUCCESS'] as const;
      const headers = [['X-SSL-Client-Cert', write(world.client1)], verdict] as const;
      // What the proxy would send, from where it would.
      expect((await callDirectly('127.0.0.1', { token, headers })).status).toBe(200);
      expect((await callDirectly('127.0.0.2', { token, headers })).status).toBe(401);
      expect(logger.ours.map(({ text }) => text)).toContainEqual(
        expect.stringMatching(
          /^ignored reason=certificate_header_untrusted detail="127\.0\.0\.2 sent the header/,
        ),
      );
    });

    test('RFC9440: a header that reaches the app twice is 400, whoever wrote the other one', async () => {
      const { as, callDirectly } = await start();
      const token = await as.accessToken({ certificate: world.client1 });
      const [one, two] = [write(world.client1), write(world.client2)];
      const pairs = [
        [one, one],
        [one, two],
        ['', one],
      ] as const;
      for (const pair of pairs) {
        const headers = pair.map((value) => ['X-SSL-Client-Cert', value] as const);
        expect((await callDirectly('127.0.0.1', { token, headers })).status).toBe(400);
      }
    });

    /** What a client of DPoP sends to this URL. */
    const proved = async (token: string, url: string): Promise<SentHeaders> =>
      Object.entries(await dpop.headers({ url, token }));

    test('RFC9449-2: a proof must be for the URL of the proxy, which is the publicUrl', async () => {
      const { as, call } = await start({ auth: { dpop: { publicUrl: AUDIENCE } } });
      const token = await as.accessToken({ dpop });
      expect((await call({ headers: await proved(token, `${AUDIENCE}/`) })).status).toBe(200);
      expect((await call({ headers: await proved(token, `${INNER_URL}/`) })).status).toBe(401);
    });

    test('RFC9449-2: every proof is refused when the publicUrl is the URL behind the proxy', async () => {
      const { as, call, logger } = await start({ auth: { dpop: { publicUrl: INNER_URL } } });
      const token = await as.accessToken({ dpop });
      expect((await call({ headers: await proved(token, `${AUDIENCE}/`) })).status).toBe(401);
      expect(logger.ours.at(-1)?.text).toContain('reason=proof_target_mismatch');
    });

    test('INV1: a token that is bound to a certificate and a key needs both', async () => {
      const { as, call } = await start({ auth: { dpop: { publicUrl: AUDIENCE } } });
      const token = await as.accessToken({ dpop, certificate: world.client1 });
      const statusOf = async (certificate: StageCall['certificate']): Promise<number> =>
        (await call({ certificate, headers: await proved(token, `${AUDIENCE}/`) })).status;
      expect(await statusOf(world.client1)).toBe(200);
      expect(await statusOf(world.client2)).toBe(401);
      expect(await statusOf(undefined)).toBe(401);
    });

    test('INV2: clients whose requests share the connections to the app are never mixed up', async () => {
      const { as, call } = await start({ replace: sharing });
      const clients = await Promise.all(
        [world.client1, world.client2].map(async (certificate) => ({
          certificate,
          token: await as.accessToken({ certificate }),
        })),
      );
      const users = new Map<number | undefined, Set<string | undefined>>();
      const shared = (): boolean => [...users.values()].some(({ size }) => size === clients.length);
      // What a client's connection has set free, another client's takes: when, is the proxy's to say.
      for (let wave = 0; wave < 5 || (wave < 200 && !shared()); wave += 1) {
        const agents = clients.map(() => new Agent({ keepAlive: true, maxSockets: 4 }));
        const calls = Array.from({ length: 10 }).flatMap(() =>
          clients.map(async (client, index) => {
            const { status, body } = await call({ ...client, agent: agents[index] });
            const { thumbprint, connection } = body as ShownCertificate;
            expect([status, thumbprint]).toEqual([200, client.certificate.thumbprint]);
            users.set(connection, (users.get(connection) ?? new Set()).add(thumbprint));
          }),
        );
        await Promise.all(calls);
        for (const agent of agents) agent.destroy();
      }
      expect(shared(), 'a connection to the app that served both clients').toBe(true);
    });

    test('RFC8705-1: a resumed session keeps the certificate of its handshake', async () => {
      const { as, call } = await start();
      const [own, other] = await Promise.all([
        as.accessToken({ certificate: world.client1 }),
        as.accessToken({ certificate: world.client2 }),
      ]);
      const agent = new Agent();
      const certificate = world.client1;
      expect((await call({ token: own, certificate, agent })).status).toBe(200);
      expect(await call({ token: own, certificate, agent })).toMatchObject({
        resumed: true,
        status: 200,
        body: { thumbprint: world.client1.thumbprint },
      });
      expect(await call({ token: other, certificate, agent })).toMatchObject({ resumed: true, status: 401 });
    });

    test('a long certificate gets through, and one that is too long for a header is refused', async () => {
      const { as, call } = await start();
      const statusWith = async (names: number): Promise<number> => {
        const uris = Array.from({ length: names }, (_, index) => `https://client1.example.com/${index}`);
        const certificate = await world.ca.issueClientCertificate('client1', { uris });
        return (await call({ token: await as.accessToken({ certificate }), certificate })).status;
      };
      expect(await statusWith(150)).toBe(200);
      expect(await statusWith(600)).toBe(onTooLong);
    });

    more?.(() => world, start, platform);
  });
}

/** What docs/proxies has proxies call. */
const INNER_URL = 'http://127.0.0.1:3000';

/** The status that was answered, if there was a handshake. */
async function outcome(answer: Promise<Answer>): Promise<number | 'no handshake'> {
  try {
    return (await answer).status;
  } catch (error) {
    // The alert, or the end of the connection where that comes first.
    const { code = '' } = error as { readonly code?: string };
    if (/^(?:ERR_SSL_|ECONNRESET$|EPIPE$)/.test(code)) return 'no handshake';
    throw error;
  }
}
