import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CertificationAuthorities } from '../../../lib/client-certificate/chain/certification-authorities.js';
import type { ListSigners } from '../../../lib/client-certificate/chain/certification-path.js';
import { describeX509 } from '../../../lib/client-certificate/client-certificate.js';
import { VOUCHED_FOR } from '../../../lib/client-certificate/chain/chain-verdict.js';
import { RevocationCheck } from '../../../lib/client-certificate/revocation-check.js';
import type { RevocationSettings } from '../../../lib/client-certificate/revocation/revocation-settings.js';
import { sequence, tlv } from '../../support/pki/der-writer.js';
import { issueList, issuingDistributionPoint, pemOf } from '../../support/pki/revocation-lists.js';
import { issue, type Party, signerOf } from '../chain/parties.js';

const SIGNS_ALL = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
/** Distribution points whose name is of no kind that there is. */
const UNREADABLE = new x509.Extension('2.5.29.31', false, sequence(sequence(tlv(0xa0, tlv(0xa2)))));

const folder = mkdtempSync(join(tmpdir(), 'lists-'));
afterAll(() => rmSync(folder, { recursive: true }));

let root: Party;
let ca: Party;
let opened: RevocationCheck | undefined;
beforeAll(async () => {
  root = await issue('root', { ca: true, keyUsage: SIGNS_ALL });
  ca = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
});
afterEach(async () => opened?.close());

/** Why a client of the CA does not count by these lists; `undefined` where it does. */
async function reasonOf(
  client: Party,
  lists: readonly Buffer[],
  mode: RevocationSettings['mode'],
  others: readonly Party[] = [],
): Promise<string | undefined> {
  const files = join(folder, 'all.crl');
  writeFileSync(files, lists.map(pemOf).join(''));
  const crl = { files, hosts: [], privateNetworks: [], timeout: 1, maxSize: 1 };
  opened = new RevocationCheck({ mode, crl, ocsp: undefined });
  await opened.start();
  const between = [ca, ...others].map(({ certificate }) => certificate);
  const authorities = new CertificationAuthorities([root.certificate], between);
  const path = [client, ca, root].map(({ certificate }) => certificate);
  const listSigners: ListSigners = (name, now) => authorities.listSignersOf(name, root.certificate, now);
  const problem = await opened.problemOf(
    describeX509(client.certificate, () => VOUCHED_FOR),
    { kind: 'verified', path, until: Infinity, listSigners },
  );
  await opened.close();
  return problem?.reason;
}

describe('best-effort, where a part of a path cannot be read', () => {
  const standing = (): Buffer => issueList(signerOf(root));

  test('A certificate on the list of its CA is refused though its distribution points cannot be read', async () => {
    const client = await issue('client', { issuer: ca, extensions: [UNREADABLE] });
    const revoked = [client.certificate.serialNumber];
    const ofPoint = [issuingDistributionPoint({ uris: ['http://ca.example'] })];
    for (const extensions of [[], ofPoint]) {
      const list = issueList(signerOf(ca), { revoked, extensions });
      expect(await reasonOf(client, [standing(), list], 'best-effort')).toBe('certificate_revoked');
    }
    const clean = [standing(), issueList(signerOf(ca))];
    expect(await reasonOf(client, clean, 'best-effort')).toBeUndefined();
    expect(await reasonOf(client, clean, 'strict')).toBe('certificate_revocation_unavailable');
  });

  test('An indirect list of another key revokes it too, and proves it to be good no more than any', async () => {
    const client = await issue('client', { issuer: ca, extensions: [UNREADABLE] });
    const other = await issue('ca', { ca: true, keyUsage: SIGNS_ALL, issuer: root });
    const extensions = [issuingDistributionPoint({ flags: [4] })];
    const revoked = [client.certificate.serialNumber];
    const by = (says: object): Buffer => issueList(signerOf(other), { extensions, ...says });
    expect(await reasonOf(client, [standing(), by({ revoked })], 'best-effort', [other])).toBe(
      'certificate_revoked',
    );
    expect(await reasonOf(client, [standing(), by({})], 'strict', [other])).toBe(
      'certificate_revocation_unavailable',
    );
  });

  test('A CA that is revoked takes along a client of whose certificate nothing can be read', async () => {
    const twice = [UNREADABLE, UNREADABLE];
    const client = await issue('client', { issuer: ca, extensions: twice });
    const killed = issueList(signerOf(root), { revoked: [ca.certificate.serialNumber] });
    expect(await reasonOf(client, [killed], 'best-effort')).toBe('certificate_revoked');
    expect(await reasonOf(client, [standing()], 'best-effort')).toBeUndefined();
    expect(await reasonOf(client, [standing()], 'strict')).toBe('certificate_revocation_unavailable');
  });
});
