import { type webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, test } from 'vitest';
import { verdictOf } from '../../../lib/client-certificate/chain/configured-cas.js';
import type { ClientTrust } from '../../../lib/tls/client-trust.js';
import { version1Authority } from '../../support/openssl.js';
import { DAY, issue, NOW, type Party } from './parties.js';

let root: Party;
let middle: Party;
let leaf: Party;
let victim: Party;
beforeAll(async () => {
  root = await issue('root', { ca: true });
  middle = await issue('middle', { ca: true, issuer: root });
  leaf = await issue('leaf', { issuer: middle });
  victim = await issue('victim', { issuer: root });
});

function trustIn(cas: readonly Party[], more: Partial<ClientTrust> = {}): ClientTrust {
  return { ca: cas.map(({ certificate }) => certificate.toString()), crl: [], partialChains: false, ...more };
}

/** Why a certificate does not count; when its verdict ends, in days from now, where it does. */
function judge({ certificate }: Party, trust: ClientTrust, now = NOW): string | number {
  const verdict = verdictOf(trust, certificate, now);
  return verdict.kind === 'invalid' ? verdict.error : Math.round((verdict.until - NOW) / DAY);
}

const NOBODY = /^no CA that this app was configured with vouches for it \(its issuer: CN=/;

interface ListSays {
  readonly revoked?: readonly Party[];
  readonly days?: number;
  /** @default the CA's */
  readonly issuer?: string | x509.Name;
  readonly extensions?: x509.Extension[];
}

async function listOf(ca: Party, says: ListSays = {}): Promise<string> {
  const { revoked = [], days = 5, issuer = `CN=${ca.name}`, extensions = [] } = says;
  const crl = await x509.X509CrlGenerator.create({
    issuer,
    extensions,
    thisUpdate: new Date(NOW - 10 * DAY),
    nextUpdate: new Date(NOW + days * DAY),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' } as webcrypto.EcdsaParams,
    signingKey: ca.keys.privateKey,
    entries: revoked.map(({ certificate }) => ({ serialNumber: certificate.serialNumber })),
  });
  return crl.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL');
}

describe('INV13: a certificate counts by the configured CAs', () => {
  test('A root vouches for its clients, and with an intermediate for those below it, until the first expires', async () => {
    expect(judge(victim, trustIn([root]))).toBe(10);
    expect(judge(leaf, trustIn([root, middle]))).toBe(10);
    const short = await issue('short', { ca: true, issuer: root, notAfter: 3 * DAY });
    expect(judge(await issue('below', { issuer: short }), trustIn([root, short]))).toBe(3);
  });

  test('An intermediate vouches for nobody without its root, unless partial chains were asked for', () => {
    expect(judge(leaf, trustIn([middle]))).toMatch(NOBODY);
    expect(judge(leaf, trustIn([middle], { partialChains: true }))).toBe(10);
  });

  test('Neither another CA of the same name, nor one that may not issue, vouches for a client', async () => {
    expect(judge(victim, trustIn([await issue('root', { ca: true })]))).toMatch(NOBODY);
    const fake = await issue('fake', { issuer: root });
    expect(judge(await issue('below', { issuer: fake }), trustIn([root, fake]))).toMatch(NOBODY);
    const expired = await issue('expired', { ca: true, notAfter: -DAY });
    expect(judge(await issue('below', { issuer: expired }), trustIn([expired]))).toContain(
      'CN=expired has expired',
    );
    const forServers = await issue('servers', { ca: true, extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] });
    expect(judge(await issue('below', { issuer: forServers }), trustIn([forServers]))).toBe(
      'CN=servers is not for TLS clients (extended key usage)',
    );
    const flat = await issue('flat', { ca: true, pathLength: 0 });
    const tooDeep = await issue('deep', { ca: true, issuer: flat });
    expect(judge(await issue('below', { issuer: flat }), trustIn([flat]))).toBe(10);
    expect(judge(await issue('below', { issuer: tooDeep }), trustIn([flat, tooDeep]))).toBe(
      'CN=flat may not stand so high in a chain',
    );
  });

  test('CAs that vouch for one another lead nowhere', async () => {
    const one = await issue('one', { ca: true });
    const two = await issue('two', { ca: true, issuer: one });
    const back = await issue('one', { ca: true, issuer: two, keys: one.keys });
    expect(judge(await issue('below', { issuer: two }), trustIn([two, back]))).toMatch(NOBODY);
  });

  test('A client’s own certificate among the CAs counts, and no other that its key has signed', async () => {
    const pinned = await issue('pinned');
    expect(judge(pinned, trustIn([pinned]))).toBe(10);
    expect(judge(await issue('below', { issuer: pinned }), trustIn([pinned]))).toMatch(NOBODY);
  });

  test('A root of version 1 vouches for its clients', () => {
    const { root: old, client } = version1Authority();
    const trust = { ca: [old], crl: [], partialChains: false };
    expect(verdictOf(trust, new X509Certificate(client.cert), Date.now())).toMatchObject({ kind: 'valid' });
  });

  test('CAs that cannot be read vouch for nobody', () => {
    expect(judge(victim, trustIn([root], { ca: ['unreadable'] }))).toEqual(expect.any(String));
    expect(judge(victim, trustIn([root], { crl: ['-----BEGIN X509 CRL-----\nAAAA\n'] }))).toEqual(
      expect.any(String),
    );
    expect(judge(victim, trustIn([]))).toMatch(NOBODY);
  });
});

describe('RFC5280-5: a certificate counts by the configured revocation lists', () => {
  test('It counts as long as the lists of each CA above it are up to date', async () => {
    const crl = [await listOf(root), await listOf(middle, { days: 2 })];
    expect(judge(leaf, trustIn([root, middle], { crl }))).toBe(2);
    expect(judge(victim, trustIn([root, middle], { crl }))).toBe(5);
  });

  test('One that is revoked does not count, nor one below a CA that is revoked', async () => {
    const lists = [await listOf(root), await listOf(middle, { revoked: [victim, leaf] })];
    expect(judge(leaf, trustIn([root, middle], { crl: lists }))).toBe('CN=leaf is revoked');
    expect(judge(victim, trustIn([root, middle], { crl: lists }))).toBe(5);
    const above = [await listOf(root, { revoked: [middle] }), await listOf(middle)];
    expect(judge(leaf, trustIn([root, middle], { crl: above }))).toBe('CN=middle is revoked');
  });

  test('A missing list, or none but one that is out of date, is a refusal; one beside a fresh one does no harm', async () => {
    const missing = 'there is no current revocation list of the CA of CN=';
    const old = await listOf(root, { days: -1 });
    expect(judge(leaf, trustIn([root, middle], { crl: [await listOf(root)] }))).toBe(`${missing}leaf`);
    expect(judge(victim, trustIn([root], { crl: [old] }))).toBe(`${missing}victim`);
    expect(judge(victim, trustIn([root], { crl: [old, await listOf(root)] }))).toBe(5);
  });

  test('A list whose issuer is written in another kind of string, case or spacing is of the same CA', async () => {
    for (const part of [{ printableString: 'ROOT' }, { utf8String: 'root' }, { bmpString: ' root ' }]) {
      const crl = [await listOf(root, { issuer: new x509.Name([{ CN: [part] }]), revoked: [victim] })];
      expect(judge(victim, trustIn([root], { crl }))).toBe('CN=victim is revoked');
    }
    const crl = [
      await listOf(root, { issuer: new x509.Name([{ CN: [{ utf8String: 'other' }] }]), revoked: [victim] }),
    ];
    expect(judge(victim, trustIn([root], { crl }))).toMatch(/^there is no current revocation list/);
  });

  test('A delta stands for no list, as for OpenSSL', async () => {
    const indicator = new x509.Extension('2.5.29.27', true, new Uint8Array([2, 1, 1]));
    const delta = await listOf(root, { revoked: [victim], extensions: [indicator] });
    expect(judge(victim, trustIn([root], { crl: [delta, await listOf(root)] }))).toBe(5);
    expect(judge(victim, trustIn([root], { crl: [delta] }))).toMatch(/^there is no current revocation list/);
  });
});
