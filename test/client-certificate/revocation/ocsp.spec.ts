import * as x509 from '@peculiar/x509';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CertificateRevocations } from '../../../lib/client-certificate/revocation/certificate-revocations.js';
import type {
  OcspSettings,
  RevocationListSettings,
} from '../../../lib/client-certificate/revocation/revocation-settings.js';
import { eventually } from '../../support/eventually.js';
import { extension, integer } from '../../support/pki/der-writer.js';
import { ListServer } from '../../support/pki/list-server.js';
import { type AnswerSays, answerAbout, errorAnswer, responder } from '../../support/pki/ocsp-answers.js';
import { issueList, type Signer } from '../../support/pki/revocation-lists.js';
import { DAY, issue, type Party, type Says, signerOf } from '../chain/parties.js';

const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const NO_CHECK = new x509.Extension('1.3.6.1.5.5.7.48.1.5', false, Buffer.from('0500', 'hex'));

let party: Party;
let ca: Signer;
let client: Party;
let server: ListServer;
let opened: CertificateRevocations[];

beforeAll(async () => {
  party = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
  ca = signerOf(party);
  server = await ListServer.start();
  client = await clientAt(server.url('/ocsp'));
});
afterAll(async () => server.stop());
beforeEach(() => {
  opened = [];
  server.answers.clear();
  server.asked.length = 0;
});
afterEach(async () => {
  await Promise.all(opened.map(async (each) => each.close()));
});

/** A client whose certificate names this responder. */
async function clientAt(url: string, ...extensions: readonly x509.Extension[]): Promise<Party> {
  const access = new x509.AuthorityInfoAccessExtension({ ocsp: url });
  return issue('client', { issuer: party, extensions: [access, ...extensions] });
}

async function open(
  ocsp: Partial<OcspSettings> = {},
  crl?: RevocationListSettings,
): Promise<CertificateRevocations> {
  const revocations = new CertificateRevocations({
    mode: 'strict',
    crl,
    ocsp: {
      responder: undefined,
      hosts: [server.host],
      privateNetworks: [],
      timeout: 1_000,
      maxAge: 86_400,
      nonce: false,
      ...ocsp,
    },
  });
  opened.push(revocations);
  await revocations.start();
  return revocations;
}

async function ask(revocations: CertificateRevocations, of = client, now = Date.now()): Promise<string> {
  const status = await revocations.statusOf({
    certificate: of.certificate,
    ca: party.certificate,
    listSigners: () => [],
    now,
  });
  return status.kind === 'good' ? 'good' : `${status.kind}: ${status.detail}`;
}

/** What comes of an answer. */
async function askWith(sent: Buffer, options?: Partial<OcspSettings>): Promise<string> {
  server.answers.set(
    '/ocsp',
    responder(() => sent),
  );
  return ask(await open(options));
}

function answer(says: AnswerSays = {}, by: Signer = ca): Buffer {
  return answerAbout(client.certificate, party.certificate, by, says);
}

async function responderOf(issuer: Party | undefined, says: Says = {}): Promise<Signer> {
  const common = { extendedKeyUsage: [OCSP_SIGNING], extensions: [NO_CHECK] };
  return signerOf(await issue('responder', { ...(issuer && { issuer }), ...common, ...says }));
}

describe('RFC 6960: what a responder says', () => {
  test('Good, revoked and unknown are told apart, with either hash of the identifiers', async () => {
    for (const hash of ['sha1', 'sha256'] as const) {
      expect(await askWith(answer({ hash }))).toBe('good');
      expect(await askWith(answer({ hash, status: 'revoked' }))).toMatch(
        /^revoked: CN=client is revoked by http/,
      );
      expect(await askWith(answer({ hash, status: 'unknown' }))).toMatch(
        /^unknown: .* does not know CN=client/,
      );
    }
  });

  test('A responder that the CA has named signs in its place', async () => {
    const delegate = await responderOf(party);
    expect(await askWith(answer({ certificates: [delegate.certificate] }, delegate))).toBe('good');
  });

  test('An answer by anybody else does not count', async () => {
    const strangersCa = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
    const cases: readonly (readonly [Signer, RegExp])[] = [
      [await responderOf(undefined), /is no responder of this CA/],
      [await responderOf(strangersCa), /is no responder of this CA/],
      [await responderOf(party, { extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] }), /may not sign answers/],
      [signerOf(client), /may not sign answers/],
      [await responderOf(party, { notAfter: -1_000 }), /not valid now/],
      [await responderOf(party, { extensions: [] }), /without id-pkix-ocsp-nocheck/],
      [
        await responderOf(party, { keyUsage: x509.KeyUsageFlags.keyEncipherment }),
        /may not sign \(key usage\)/,
      ],
    ];
    for (const [signer, why] of cases) {
      expect(await askWith(answer({ certificates: [signer.certificate] }, signer))).toMatch(why);
    }
    const delegate = await responderOf(party);
    expect(await askWith(answer({}, delegate))).toMatch(/^unavailable: .*signature is not of this key/);
  });

  test('An answer about another certificate, or a certificate of another CA, does not count', async () => {
    const other = await issue('client', { issuer: party });
    const another = /^unavailable: .*it is about another certificate/;
    expect(await askWith(answerAbout(other.certificate, party.certificate, ca))).toMatch(another);
    const otherCa = await issue('ca', { ca: true, keyUsage: SIGNS_ALL });
    expect(await askWith(answerAbout(client.certificate, otherCa.certificate, ca))).toMatch(another);
    expect(await askWith(answer({ times: 2 }))).toMatch(/says two things/);
  });

  test('An answer that is changed, an error, or no answer at all does not count', async () => {
    const changed = answer({ status: 'revoked' });
    const at = changed.indexOf(
      Buffer.from('a1', 'hex'),
      changed.indexOf(Buffer.from('2b0e03021a', 'hex')) + 50,
    );
    changed[at] = 0xa3;
    for (const wrong of [changed, errorAnswer(3), errorAnswer(6), Buffer.alloc(0), Buffer.from('<html>')]) {
      expect(await askWith(wrong)).toMatch(/^unavailable/);
    }
    const critical = extension('1.2.3.4', integer('01'), true);
    expect(await askWith(answer({ singleExtensions: [critical] }))).toMatch(/critical extension/);
  });

  test('An answer counts from thisUpdate to nextUpdate, and no longer than maxAge', async () => {
    const now = Date.now();
    expect(await askWith(answer({ thisUpdate: now + 30_000 }))).toBe('good');
    expect(await askWith(answer({ thisUpdate: now + DAY }))).toMatch(/not valid yet/);
    expect(await askWith(answer({ nextUpdate: now - 30_000 }))).toBe('good');
    expect(await askWith(answer({ nextUpdate: now - DAY / 2 }))).toMatch(/out of date/);
    expect(await askWith(answer({ thisUpdate: now - 2 * DAY }))).toMatch(/out of date/);
    expect(await askWith(answer({ thisUpdate: now - 2 * DAY }), { maxAge: 3 * 86_400 })).toBe('good');
    expect(await askWith(answer({ nextUpdate: undefined }))).toBe('good');
    expect(await askWith(answer({ nextUpdate: undefined, thisUpdate: now - 2 * DAY }))).toMatch(
      /out of date/,
    );
  });

  test('A nonce is sent where that is asked for, and an answer with another one does not count', async () => {
    const nonces: (Buffer | undefined)[] = [];
    server.answers.set(
      '/ocsp',
      responder((nonce) => {
        nonces.push(nonce);
        return answer(nonce === undefined ? {} : { nonce });
      }),
    );
    expect(await ask(await open({ nonce: true }))).toBe('good');
    expect(await ask(await open())).toBe('good');
    expect(nonces.map((nonce) => nonce?.length)).toEqual([16, undefined]);
    expect(await askWith(answer({ nonce: Buffer.alloc(16) }), { nonce: true })).toMatch(/another nonce/);
    expect(await askWith(answer(), { nonce: true })).toBe('good');
  });
});

describe('which responders are asked', () => {
  test('An answer is fetched once, for all who wait and all who come later', async () => {
    server.answers.set(
      '/ocsp',
      responder(() => answer()),
    );
    const revocations = await open();
    const answers = await Promise.all([ask(revocations), ask(revocations), ask(revocations)]);
    expect([...answers, await ask(revocations)]).toEqual(['good', 'good', 'good', 'good']);
    expect(server.asked).toEqual(['/ocsp']);
    expect(revocations.health(Date.now())).toMatchObject([
      { kind: 'ocsp', source: server.url('/ocsp'), state: 'fresh', failures: 0 },
    ]);
  });

  test('A host that is not named is not called, and one responder may be for all', async () => {
    server.answers.set(
      '/one',
      responder(() => answer()),
    );
    expect(await ask(await open({ hosts: ['ocsp.example.com'] }))).toMatch(/^unknown/);
    expect(server.asked).toEqual([]);
    expect(await ask(await open({ hosts: [], responder: server.url('/one') }))).toBe('good');
    expect(server.asked).toEqual(['/one']);
  });

  test('A responder that is down, late or sends too much is an outage, and is not asked again at once', async () => {
    for (const wrong of [undefined, () => undefined, Buffer.alloc(100_000)]) {
      server.asked.length = 0;
      server.answers.clear();
      if (wrong !== undefined) server.answers.set('/ocsp', wrong);
      const revocations = await open({ timeout: 300 });
      expect(await ask(revocations)).toMatch(/^unavailable/);
      expect(await ask(revocations)).toMatch(/^unavailable/);
      expect(server.asked).toEqual(['/ocsp']);
      expect(revocations.health(Date.now())).toMatchObject([{ state: 'unavailable', failures: 1 }]);
    }
  });

  test('An answer is fetched again in the background, and who is revoked meanwhile is known', async () => {
    server.answers.set(
      '/ocsp',
      responder(() => answer()),
    );
    const revocations = await open();
    expect(await ask(revocations)).toBe('good');
    const { version } = revocations;
    server.answers.set(
      '/ocsp',
      responder(() => answer({ status: 'revoked' })),
    );
    revocations.refreshWhenDue(Date.now() + 3_700_000);
    await eventually(() => revocations.version !== version);
    expect(await ask(revocations)).toMatch(/^revoked/);
    server.answers.clear();
    expect(await ask(revocations, client, Date.now() + 3 * DAY)).toMatch(/^revoked/);
  });

  test('Beside lists, either may revoke, and lists count where no responder answers', async () => {
    const point = new x509.CRLDistributionPointsExtension([server.url('/ca.crl')]);
    const both = await clientAt(server.url('/ocsp'), point);
    const crl = { files: [], hosts: [server.host], privateNetworks: [], timeout: 1_000, maxSize: 100_000 };
    const respond = (says: AnswerSays): void => {
      const about = answerAbout(both.certificate, party.certificate, ca, says);
      server.answers.set(
        '/ocsp',
        responder(() => about),
      );
    };
    const statusNow = async (): Promise<string> => (await ask(await open({}, crl), both)).split(':')[0] ?? '';

    server.answers.set('/ca.crl', issueList(ca));
    expect(await statusNow()).toBe('good');
    respond({ status: 'revoked' });
    expect(await statusNow()).toBe('revoked');
    respond({ status: 'unknown' });
    expect(await statusNow()).toBe('unknown');
    server.answers.set('/ca.crl', issueList(ca, { revoked: [both.certificate.serialNumber] }));
    respond({});
    expect(await statusNow()).toBe('revoked');
    server.answers.delete('/ca.crl');
    expect(await statusNow()).toBe('good');
    server.answers.delete('/ocsp');
    expect(await statusNow()).toBe('unavailable');
  });
});
