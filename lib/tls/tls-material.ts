import { type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { foreignRootProblem } from './foreign-root.js';
import { pairProblem, readPrivateKey } from './key-pair.js';
import { pemBlocks } from './pem.js';
import type { TlsField, TlsFile } from './tls-files.js';

/** What the TLS files hold, checked. All of it is PEM. */
export interface TlsMaterial {
  readonly pair: KeyPair;
  /** One certificate each, intermediates too. */
  readonly ca: readonly string[];
  /** One revocation list each. */
  readonly crl: readonly string[];
}

/** The server's private key, and its certificate with the chain. */
export interface KeyPair {
  readonly key: string;
  readonly cert: readonly string[];
}

/** What became of files. */
export interface ParsedTlsFiles {
  /** `undefined` when a part is broken and there is no old one. */
  readonly material: TlsMaterial | undefined;
  /** One sentence for each broken part; it names the field and the file, and has no key material. */
  readonly problems: readonly string[];
}

/**
 * Checks what was read. A broken part (key with certificate, CAs, revocation lists) stays as it is in force, and
 * holds up no other: a broken key must not keep a revocation from being heeded.
 * @param passphrase of an encrypted key
 */
export function parseTlsFiles(
  files: readonly TlsFile[],
  passphrase: string | undefined,
  inForce?: TlsMaterial,
): ParsedTlsFiles {
  const problems: string[] = [];
  const attempt = <T>(parse: () => T, old: T | undefined): T | undefined => {
    try {
      return parse();
    } catch (error) {
      problems.push((error as Error).message);
      return old;
    }
  };
  const pair = attempt(() => parsePair(files, passphrase), inForce?.pair);
  const ca = attempt(() => parseCas(files), inForce?.ca);
  const crl = attempt(() => parseEach(files, 'crl', parseRevocationLists), inForce?.crl);
  if (pair === undefined || ca === undefined || crl === undefined) return { material: undefined, problems };
  return { material: { pair, ca, crl }, problems };
}

/** One line for the log: whose certificate, until when, how many CAs and CRLs. */
export function describeTlsMaterial({ pair, ca, crl }: TlsMaterial): string {
  const { subject, validTo } = new X509Certificate(pair.cert[0] ?? '');
  const until = new Date(validTo).toISOString();
  return `certificate ${JSON.stringify(subject)} valid until ${until}, ${ca.length} CA(s), ${crl.length} CRL(s)`;
}

function parsePair(files: readonly TlsFile[], passphrase: string | undefined): KeyPair {
  const [key] = parseEach(files, 'key', (text) => [{ text, parsed: parseKey(text, passphrase) }]);
  const cert = parseEach(files, 'cert', parseCertificates);
  const problem = pairProblem(cert, key === undefined ? [] : [key.parsed]);
  if (problem !== undefined || key === undefined) {
    throw new Error(`${nameOf(files, 'cert')}, beside ${nameOf(files, 'key')}, ${problem}`);
  }
  return { key: key.text, cert };
}

function parseCas(files: readonly TlsFile[]): readonly string[] {
  const ca = parseEach(files, 'ca', parseCertificates);
  const between = parseEach(files, 'intermediates', parseCertificates);
  const foreign = foreignRootProblem(between, ca);
  if (foreign !== undefined) throw new Error(`${nameOf(files, 'intermediates')} ${foreign}`);
  return [...ca, ...between];
}

function parseEach<T>(
  files: readonly TlsFile[],
  field: TlsField,
  parse: (text: string) => readonly T[],
): readonly T[] {
  return files
    .filter((file) => file.field === field)
    .flatMap(({ path, content }) => {
      if (typeof content === 'string') throw new Error(`${field} (${path}) can't be read: ${content}`);
      try {
        return parse(content.toString('latin1'));
      } catch (error) {
        throw new Error(`${field} (${path}) is broken: ${(error as Error).message}`, { cause: error });
      }
    });
}

function parseKey(text: string, passphrase: string | undefined): KeyObject {
  const key = readPrivateKey(text, passphrase);
  if (typeof key === 'string') throw new Error(key);
  return key;
}

function parseCertificates(text: string): readonly string[] {
  const blocks = pemBlocks(text, 'CERTIFICATE');
  if (blocks.length === 0) throw new Error('no PEM certificate in it');
  for (const block of blocks) void new X509Certificate(block);
  return blocks;
}

function parseRevocationLists(text: string): readonly string[] {
  const blocks = pemBlocks(text, 'X509 CRL');
  if (blocks.length === 0) throw new Error('no PEM certificate revocation list in it');
  // Node has no other parser of revocation lists. Without `ca`, it would load the public ones.
  for (const crl of blocks) createSecureContext({ ca: [], crl });
  return blocks;
}

function nameOf(files: readonly TlsFile[], field: TlsField): string {
  return `${field} (${files.find((file) => file.field === field)?.path})`;
}
