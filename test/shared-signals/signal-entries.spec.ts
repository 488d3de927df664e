import { expect, test } from 'vitest';
import { certificateName } from '../../lib/client-certificate/identity/certificate-name.js';
import { entriesFor, NEVER_AGAIN } from '../../lib/revocation/revocation-entry.js';
import { certificateEntries } from '../../lib/shared-signals/signal-entries.js';

const ISSUER = 'https://as.example.com';
const TIMES = { happenedAt: 1_000, now: 2_000, maxTokenLifetime: 60 };
const NAME = String.raw`CN=Issuing CA,O=GoDaddy.com\, Inc.,C=US`;

function keyOf(issuer: string, serialNumber: string): string | undefined {
  const certificate = certificateName({ issuer, serialNumber });
  return entriesFor({ issuer: ISSUER, certificate }, { ...TIMES, issuedBefore: NEVER_AGAIN })[0]?.key;
}

test.each([
  ['RFC 4514 does', NAME],
  ['some do, with spaces behind commas', String.raw`CN=Issuing CA, O=GoDaddy.com\, Inc., C=US`],
  ['some do, the root first', String.raw`C=US,O=GoDaddy.com\, Inc.,CN=Issuing CA`],
  ['some do, the root first and with spaces', String.raw`C=US, O=GoDaddy.com\, Inc., CN=Issuing CA`],
])('a certificate is found whose issuer has a comma in its name, written as %s', (_, issuer) => {
  const keys = certificateEntries({ issuer, serialNumber: '0A' }, [ISSUER], TIMES).map(({ key }) => key);
  expect(keys).toContain(keyOf(NAME, '0A'));
});

test.each([
  ['a line break', 'CN=Issuing CA\nC=US'],
  ['a null character', 'CN=Issuing CA\0,C=US'],
  ['nothing in it', ','],
])('a name with %s is no name of a certificate', (_, issuer) => {
  expect(certificateEntries({ issuer, serialNumber: '0A' }, [ISSUER], TIMES)).toEqual([]);
});
