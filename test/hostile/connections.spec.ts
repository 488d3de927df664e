import { randomUUID } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { type HostileApp, startHostileApp, WAYS } from './hostile-app.js';
import { HostileKit } from './hostile-kit.js';
import { RawConnection } from './raw-connection.js';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

let kit: HostileKit;
const open: RawConnection[] = [];

beforeAll(async () => {
  kit = await HostileKit.start();
});
afterEach(() => {
  for (const connection of open.splice(0)) connection.close();
});
afterAll(() => kit.stop());

/** A token bound to this certificate, in each format. */
const TOKENS: Readonly<Record<string, (certificate: TestCertificate) => string>> = {
  JWT: ({ thumbprint }) => kit.jwt({ claims: { cnf: { 'x5t#S256': thumbprint } } }),
  'opaque token': ({ thumbprint }) => kit.opaque({ cnf: { 'x5t#S256': thumbprint } }),
};

describe.each(PLATFORMS)('connections on %s', (platform) => {
  let app: HostileApp;
  beforeAll(async () => {
    app = await startHostileApp(kit, platform, WAYS.globalGuards, { cacheTtl: 60 });
  });
  afterAll(() => app.close());

  const connect = async (
    certificate: TestCertificate | 'none',
    options: ConnectionOptions = {},
  ): Promise<RawConnection> => {
    const identity = certificate === 'none' ? {} : { key: certificate.key, cert: certificate.cert };
    const connection = await RawConnection.open(app.port, { ca: kit.ca.cert, ...identity, ...options });
    open.push(connection);
    return connection;
  };

  describe.each(Object.entries(TOKENS))('%s', (_, tokenOf) => {
    describe.each(VERSIONS)('resumed session of %s', (version) => {
      const versions = { minVersion: version, maxVersion: version };

      /** Makes a session as this client, with a request that has been answered. */
      const sessionOf = async (certificate: TestCertificate | 'none'): Promise<Buffer> => {
        const original = await connect(certificate, versions);
        await original.send(tokenOf(kit.client1));
        return original.ticket();
      };

      /** Resumes it as this client: where it is not resumed, the row would say nothing. */
      const resume = async (
        session: Buffer,
        certificate: TestCertificate | 'none',
      ): Promise<RawConnection> => {
        const resumed = await connect(certificate, { ...versions, session });
        expect([resumed.reused, resumed.protocol]).toEqual([true, version]);
        return resumed;
      };

      it('RFC8705-1: a resumed session of client1 carries the token of client1', async () => {
        const resumed = await resume(await sessionOf(kit.client1), kit.client1);
        expect(await resumed.statuses(tokenOf(kit.client1))).toEqual([200]);
      });

      it('RFC8705-1: a resumed session of client1 does not carry the token of client2', async () => {
        const resumed = await resume(await sessionOf(kit.client1), kit.client2);
        expect(await resumed.statuses(tokenOf(kit.client2))).toEqual([401]);
      });

      it('INV2: a resumed session without a certificate stays without', async () => {
        const session = await sessionOf('none');
        const token = tokenOf(kit.client1);
        expect(await (await resume(session, 'none')).statuses(token)).toEqual([401]);
        // Node 20 calls a resumed connection without a certificate authorized (platform-facts.md): once more.
        expect(await (await resume(session, 'none')).statuses(token, token)).toEqual([401, 401]);
      });

      it('INV2: a resumed session without a certificate stays without, though client1 resumes it', async () => {
        const resumed = await resume(await sessionOf('none'), kit.client1);
        expect(await resumed.statuses(tokenOf(kit.client1))).toEqual([401]);
      });

      it.each(['untrusted', 'selfSigned', 'impostor', 'expired', 'notYetValid', 'serverUsage'] as const)(
        'INV2: a resumed session of a certificate that does not count stays so: %s',
        async (name) => {
          const certificate = kit.certificates[name];
          const resumed = await resume(await sessionOf(certificate), certificate);
          expect(await resumed.statuses(tokenOf(certificate))).toEqual([401]);
        },
      );
    });

    it('INV1: a decision is for its request, not for its connection', async () => {
      const connection = await connect(kit.client1);
      const [good, bad] = [tokenOf(kit.client1), tokenOf(kit.client2)];
      expect(await connection.statuses(good)).toEqual([200]);
      expect(await connection.statuses(bad)).toEqual([401]);
      expect(await connection.statuses(good)).toEqual([200]);
      expect(await connection.statuses(`unknown-${randomUUID()}`)).toEqual([401]);
    });

    it('INV1: pipelined requests do not share a decision', async () => {
      const connection = await connect(kit.client1);
      const [good, bad] = [tokenOf(kit.client1), tokenOf(kit.client2)];
      expect(await connection.statuses(good, bad, good)).toEqual([200, 401, 200]);
      expect(await connection.statuses(bad, good, bad, good)).toEqual([401, 200, 401, 200]);
    });

    it('INV5: a decision is for its connection, not for its token', async () => {
      const token = tokenOf(kit.client1);
      const [first, second, third] = [
        await connect(kit.client1),
        await connect(kit.client2),
        await connect('none'),
      ];
      expect(await first.statuses(token)).toEqual([200]);
      expect(await second.statuses(token)).toEqual([401]);
      expect(await third.statuses(token)).toEqual([401]);
      expect(await first.statuses(token)).toEqual([200]);
    });

    it('INV5: a refusal for one connection is none for the next', async () => {
      const token = tokenOf(kit.client1);
      expect(await (await connect(kit.client2)).statuses(token)).toEqual([401]);
      expect(await (await connect(kit.client1)).statuses(token)).toEqual([200]);
    });

    it('INV5: connections at the same time do not share a decision', async () => {
      const token = tokenOf(kit.client1);
      const holders = [kit.client1, kit.client2, 'none', kit.client1, kit.certificates.untrusted] as const;
      const connections = await Promise.all(holders.map((holder) => connect(holder)));
      const statuses = await Promise.all(connections.map((connection) => connection.statuses(token)));
      expect(statuses.flat()).toEqual([200, 401, 401, 200, 401]);
    });
  });

  it('INV5: the binding is checked after the introspection cache', async () => {
    const token = kit.opaque();
    const before = kit.a.count('introspection');
    expect(await (await connect(kit.client1)).statuses(token)).toEqual([200]);
    expect(await (await connect(kit.client2)).statuses(token)).toEqual([401]);
    expect(await (await connect('none')).statuses(token)).toEqual([401]);
    expect(kit.a.count('introspection') - before, 'the cache answered').toBe(1);
  });
});
