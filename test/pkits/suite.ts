import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childrenOf, type DerElement, elementAt } from '../../lib/client-certificate/chain/der.js';

/** Where `.ci/run servers` puts what it fetches from PyPI. */
const FETCHED = '/opt/pkits/cryptography_vectors/x509/PKITS_data';

/** The folder of the suite. @throws Error when it is not there: without it nothing would be tested */
export function suiteFolder(): string {
  const folder = process.env['PKITS_DATA'] ?? FETCHED;
  if (existsSync(folder)) return folder;
  throw new Error(
    `NIST PKITS is not in ${folder}: pip install --target /opt/pkits cryptography-vectors==45.0.7, or set PKITS_DATA`,
  );
}

/** A test of the suite: a signed mail, with all certificates and lists that a validator needs. */
export interface Pkits {
  /** As NIST calls it, without spaces. */
  readonly name: string;
  readonly file: string;
  readonly leaf: X509Certificate;
  readonly others: readonly X509Certificate[];
  /** DER. */
  readonly lists: readonly Buffer[];
}

/** All tests, by their names. */
export function readSuite(folder: string): readonly Pkits[] {
  const mails = join(folder, 'smime');
  return readdirSync(mails)
    .filter((file) => file.endsWith('.eml'))
    .map((file) => readTest(join(mails, file), file.replace(/^Signed|\.eml$/g, '')));
}

const CERTIFICATES = 0xa0;
const LISTS = 0xa1;

/** `SignedData ::= SEQUENCE { version, digestAlgorithms, content, [0] certificates, [1] lists, signers }` (RFC 5652 §5.1). */
function readTest(file: string, name: string): Pkits {
  const [, base64 = ''] = /\n\n(MI[\w+/=\n]+)\n------/.exec(mailOf(file)) ?? [];
  const der = Buffer.from(base64, 'base64');
  const [, explicit] = childrenOf(der, elementAt(der, 0));
  const [signedData] = childrenOf(der, found(explicit));
  const parts = childrenOf(der, found(signedData));
  const bytesIn = (wanted: number): readonly Buffer[] => {
    const part = parts.find(({ tag }) => tag === wanted);
    return part === undefined ? [] : childrenOf(der, part).map(({ start, end }) => der.subarray(start, end));
  };
  const certificates = bytesIn(CERTIFICATES).map((bytes) => new X509Certificate(bytes));
  const serialNumber = serialNumberOfSigner(der, found(parts.at(-1)));
  const leaf = certificates.findLast((certificate) => fitsSigner(certificate, serialNumber));
  return {
    name,
    file,
    leaf: found(leaf),
    others: certificates.filter((certificate) => certificate !== leaf),
    lists: bytesIn(LISTS),
  };
}

function mailOf(file: string): string {
  return readFileSync(file, 'latin1').replaceAll('\r\n', '\n');
}

/** The DER of issuer and serial number, as a signer names its certificate. */
function serialNumberOfSigner(der: Buffer, signers: DerElement): Buffer {
  const [signer] = childrenOf(der, signers);
  const [, identifier] = childrenOf(der, found(signer));
  const { content, end } = found(identifier);
  return der.subarray(content, end);
}

function fitsSigner({ raw }: X509Certificate, issuerAndSerialNumber: Buffer): boolean {
  const [tbs] = childrenOf(raw, elementAt(raw, 0));
  const [, serialNumber, , issuer] = childrenOf(raw, found(tbs));
  const bytes = [found(issuer), found(serialNumber)].map(({ start, end }) => raw.subarray(start, end));
  return Buffer.concat(bytes).equals(issuerAndSerialNumber);
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is no mail of PKITS');
  return value;
}

/** Whether OpenSSL accepts a test, with all that it knows of lists and policies. */
export function opensslAccepts({ file }: Pkits, root: string, at: number): boolean {
  const options =
    '-crl_check_all -extended_crl -use_deltas -policy anyPolicy -x509_strict -purpose any'.split(' ');
  const time = ['-attime', String(at / 1000)];
  try {
    execFileSync('openssl', ['cms', '-verify', '-in', file, '-CAfile', root, ...options, ...time], {
      stdio: 'pipe',
    });
    return true;
  } catch {
    return false;
  }
}
