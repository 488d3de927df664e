import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { CertBoundAuthHealthIndicator, forwardedBy, mutualTls } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { DAY, issue, type Party, signerOf } from '../client-certificate/chain/parties.js';
import { issueList } from '../support/pki/revocation-lists.js';
import { createWatchedApp, type ServerKind, SERVERS } from '../support/watched-app.js';
import { createWorld, startAuthorizationServer, whenOver } from '../support/world.js';

const KINDS = Object.keys(SERVERS) as readonly ServerKind[];
const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;

/** A list of a month, of which less than a tenth is left. @returns the path of its file */
function oldList(party: Party): string {
  const times = { thisUpdate: Date.now() - 29 * DAY, nextUpdate: Date.now() + DAY + 60_000 };
  return newList(issueList(signerOf(party), times));
}

/** @returns the path of a file with this list */
function newList(list: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'expiry-'));
  whenOver(async () => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ca.crl');
  writeFileSync(file, list);
  return file;
}

describe.each(KINDS)('what expires soon, on %s', (kind) => {
  test('an app warns at its start of its certificate, the CA of its clients and a list, and so does its health', async () => {
    const world = await createWorld();
    const as = await startAuthorizationServer(world);
    const party = await issue('Old CA', { ca: true, keyUsage: SIGNS_ALL, notAfter: 9.5 * DAY });
    const file = oldList(party);
    const { key, cert } = await world.ca.issueServerCertificate({
      notAfter: new Date(Date.now() + 3.5 * DAY),
    });
    const tls = mutualTls({ key, cert, ca: [world.ca.cert, party.certificate.toString()] });
    const revocation = { crl: { files: [file, newList(await world.ca.issueCrl())] } };
    const auth = { ...as.moduleOptions, clientCertificate: { from: 'tls', revocation } as const };
    const { app, logger } = await createWatchedApp(kind, tls, auth);
    await app.listen(0, '127.0.0.1');
    const said = [
      'the certificate of this server "CN=localhost" expires in 3 days',
      'the CA of client certificates "CN=Old CA" expires in 9 days',
      `the revocation list ${file} expires in 1 days`,
    ];
    const warned = logger.ours.filter(({ level, text }) => level === 'warn' && text.includes('expires'));
    expect(warned.map(({ text }) => text.replace(/, on .*/, ''))).toEqual(said);
    const health = app.get(CertBoundAuthHealthIndicator).isHealthy('tokens').tokens;
    expect(health.status).toBe('up');
    expect(health.warning).toContain(said[2]);
    expect(health.certificateRevocations).toMatchObject([
      { source: file, state: 'fresh' },
      { state: 'fresh' },
    ]);
  });

  test('CAs by which certificates from a proxy are checked are warned of, and one with time left is not', async () => {
    const world = await createWorld();
    const as = await startAuthorizationServer(world);
    const party = await issue('Old CA', { ca: true, keyUsage: SIGNS_ALL, notAfter: 9.5 * DAY });
    const between = await issue('CA between', { ca: true, issuer: party, notAfter: 8.5 * DAY });
    const [old, intermediates] = [party, between].map(({ certificate }) => certificate.toString());
    const trust = { ca: [world.ca.cert, old ?? ''], intermediates: intermediates ?? '' };
    const clientCertificate = forwardedBy.nginx({
      header: 'x-client-cert',
      trustedProxies: ['loopback'],
      trust,
    });
    const { key, cert } = world.server;
    const tls = mutualTls({ key, cert, ca: world.ca.cert, clientAuth: 'request' });
    const { app, logger } = await createWatchedApp(kind, tls, { ...as.moduleOptions, clientCertificate });
    await app.listen(0, '127.0.0.1');
    const warned = logger.ours.filter(({ text }) => text.includes('expires')).map(({ text }) => text);
    expect(warned).toEqual([
      expect.stringMatching(/^the CA of client certificates "CN=Old CA" expires in 9 days, on .*: renew it$/),
      expect.stringMatching(/^the CA of client certificates "CN=CA between" expires in 8 days, on /),
    ]);
  });
});
