import * as x509 from '@peculiar/x509';
import { CertificateRevocations } from '../../lib/client-certificate/revocation/certificate-revocations.js';
import type { OcspSettings } from '../../lib/client-certificate/revocation/revocation-settings.js';
import { mutualTls } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { identityOf, issue, type Party } from '../client-certificate/chain/parties.js';
import { openClient } from '../support/tls-client.js';
import { createWatchedApp, type ServerKind, SERVERS } from '../support/watched-app.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { OpensslResponder, type ResponderSays } from './openssl-responder.js';

const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const NO_CHECK = new x509.Extension('1.3.6.1.5.5.7.48.1.5', false, Buffer.from('0500', 'hex'));
const KINDS = ['express', 'fastify'] as const satisfies readonly ServerKind[];

let ca: Party;
beforeEach(async () => {
  ca = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
});

async function startResponder(says: Partial<ResponderSays> = {}): Promise<OpensslResponder> {
  const responder = new OpensslResponder({ ca, ...says });
  whenOver(async () => responder.remove());
  await responder.start();
  return responder;
}

async function clientAt({ url }: OpensslResponder): Promise<Party> {
  return issue('client', { issuer: ca, extensions: [new x509.AuthorityInfoAccessExtension({ ocsp: url })] });
}

async function openRevocations(
  { host }: OpensslResponder,
  ocsp: Partial<OcspSettings> = {},
): Promise<CertificateRevocations> {
  const usual = { responder: undefined, privateNetworks: [], timeout: 5_000, maxAge: 86_400, nonce: false };
  const all = { ...usual, hosts: [host], ...ocsp };
  const revocations = new CertificateRevocations({ mode: 'strict', crl: undefined, ocsp: all });
  whenOver(async () => revocations.close());
  await revocations.start();
  return revocations;
}

async function ask(revocations: CertificateRevocations, { certificate }: Party): Promise<string> {
  const asked = { certificate, ca: ca.certificate, listSigners: () => [], now: Date.now() };
  const status = await revocations.statusOf(asked);
  return status.kind === 'good' ? 'good' : `${status.kind}: ${status.detail}`;
}

describe('the responder of OpenSSL', () => {
  test.each([false, true])('its answers count, with a nonce or without (nonce: %s)', async (nonce) => {
    const responder = await startResponder();
    const [good, revoked, unknown] = await Promise.all([1, 2, 3].map(async () => clientAt(responder)));
    if (good === undefined || revoked === undefined || unknown === undefined) throw new Error('no client');
    await responder.say('good', good);
    await responder.say('revoked', revoked);
    const revocations = await openRevocations(responder, { nonce });
    expect(await ask(revocations, good)).toBe('good');
    expect(await ask(revocations, revoked)).toBe(`revoked: CN=client is revoked by ${responder.url}`);
    expect(await ask(revocations, unknown)).toBe(`unknown: ${responder.url} does not know CN=client`);
  });

  test('answers of a signer that the CA has certified for them count, and of no other', async () => {
    const extensions = [NO_CHECK];
    const delegated = await issue('signer', { issuer: ca, extendedKeyUsage: [OCSP_SIGNING], extensions });
    const plain = await issue('signer', { issuer: ca, extensions });
    const foreign = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
    const rows = [
      [delegated, /^good$/],
      [plain, /^unavailable: .*(not|no) /],
      [foreign, /^unavailable: /],
    ] as const;
    for (const [signer, said] of rows) {
      const responder = await startResponder({ signer });
      const client = await clientAt(responder);
      await responder.say('good', client);
      expect(await ask(await openRevocations(responder), client)).toMatch(said);
    }
  });
});

describe.each(KINDS)('an app that asks the responder of OpenSSL, on %s', (kind) => {
  let world: World;
  let as: TestAuthorizationServer;

  async function startApp({ host }: OpensslResponder): Promise<number> {
    world = await createWorld();
    as = await startAuthorizationServer(world);
    const { key, cert } = world.server;
    const tls = mutualTls({ key, cert, ca: [world.ca.cert, ca.certificate.toString()] });
    const revocation = { ocsp: { hosts: [host] } };
    const auth = { ...as.moduleOptions, clientCertificate: { from: 'tls', revocation } as const };
    const watched = await createWatchedApp(kind, tls, auth);
    await watched.app.listen(0, '127.0.0.1');
    return watched.port;
  }

  async function get(port: number, party: Party): Promise<unknown> {
    const { thumbprint, ...identity } = identityOf(party);
    const client = await openClient({ port, http: SERVERS[kind], ca: world.ca.cert, ...identity });
    const token = await as.accessToken({ claims: { cnf: { 'x5t#S256': thumbprint } } });
    return client.get('/fast', { authorization: `Bearer ${token}` });
  }

  test('INV3: a good certificate passes, one that is revoked or unknown is 401, and while the responder is down others are 503', async () => {
    const responder = await startResponder();
    const port = await startApp(responder);
    const [good, revoked, unknown, late] = await Promise.all(
      [1, 2, 3, 4].map(async () => clientAt(responder)),
    );
    if (!good || !revoked || !unknown || !late) throw new Error('no client');
    await responder.say('good', good, late);
    await responder.say('revoked', revoked);
    expect(await get(port, good)).toBe(200);
    expect(await get(port, revoked)).toBe(401);
    expect(await get(port, unknown)).toBe(401);
    await responder.stop();
    expect(await get(port, late)).toBe(503);
    // What it has said holds on.
    expect(await get(port, good)).toBe(200);
    await responder.start();
    await expect.poll(async () => get(port, late), { timeout: 10_000 }).toBe(200);
  });
});
