import { type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { childrenOf, elementAt } from '../../../lib/client-certificate/chain/der.js';
import { bits, extension, identifier, integer, sequence, time, tlv } from './der-writer.js';

const DAY = 86_400_000;

/** A CA that signs. */
export interface Signer {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** What a list says; by default it is one of now, which names nobody. */
export interface ListSays {
  /** Serial numbers, hex, or whole entries. */
  readonly revoked?: readonly (string | Buffer)[];
  /** Milliseconds since the epoch. */
  readonly thisUpdate?: number;
  /** `undefined` for none. */
  readonly nextUpdate?: number | undefined;
  readonly extensions?: readonly Buffer[];
  /** X.509 version 1 has no extensions. */
  readonly version1?: boolean;
  /** Who is named as issuer. @default the signer */
  readonly issuer?: X509Certificate;
  /** `AlgorithmIdentifier` where another one than that of the signature is to stand in what is signed. */
  readonly innerAlgorithm?: Buffer;
}

/** Issues a revocation list, DER. */
export function issueList(signer: Signer, says: ListSays = {}): Buffer {
  const { revoked = [], thisUpdate = Date.now() - DAY, extensions = [], version1 = false } = says;
  const nextUpdate = 'nextUpdate' in says ? says.nextUpdate : Date.now() + 5 * DAY;
  const entries = revoked.map((entry) => (typeof entry === 'string' ? entryOf(entry) : entry));
  const algorithm = algorithmOf(signer.key);
  const content = sequence(
    ...(version1 ? [] : [integer('01')]),
    says.innerAlgorithm ?? algorithm,
    subjectOf(says.issuer ?? signer.certificate),
    time(thisUpdate),
    ...(nextUpdate === undefined ? [] : [time(nextUpdate)]),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    ...(extensions.length === 0 ? [] : [tlv(0xa0, sequence(...extensions))]),
  );
  return signed(content, signer.key);
}

/** `SEQUENCE { content, algorithm, signature }` */
export function signed(content: Buffer, key: KeyObject, ...rest: readonly Buffer[]): Buffer {
  return sequence(content, algorithmOf(key), bits(sign('sha256', content, key)), ...rest);
}

/** The same as text, as OpenSSL has it. */
export function pemOf(list: Buffer): string {
  const lines = list.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN X509 CRL-----\n${lines}\n-----END X509 CRL-----\n`;
}

/** An entry of a list. @param serialNumber hex, as Node has it */
export function entryOf(serialNumber: string, ...extensions: readonly Buffer[]): Buffer {
  const isNegative = /^[89a-f]/i.test(serialNumber);
  return sequence(
    integer(isNegative ? `00${serialNumber}` : serialNumber),
    time(Date.now() - DAY),
    ...(extensions.length === 0 ? [] : [sequence(...extensions)]),
  );
}

/** The parts of an issuing distribution point. */
export interface PointSays {
  readonly uris?: readonly string[];
  /** Tags of flags that are true: 1 users only, 2 CAs only, 4 indirect, 5 attributes only. */
  readonly flags?: readonly number[];
  readonly rest?: readonly Buffer[];
}

/** The extension that says which certificates a list is about. */
export function issuingDistributionPoint({ uris, flags = [], rest = [] }: PointSays): Buffer {
  const names = (uris ?? []).map((uri) => tlv(0x86, Buffer.from(uri, 'latin1')));
  const point = uris === undefined ? [] : [tlv(0xa0, tlv(0xa0, ...names))];
  const set = flags.map((flag) => tlv(0x80 + flag, Buffer.from([0xff])));
  return extension('2.5.29.28', sequence(...point, ...set, ...rest), true);
}

/** `AlgorithmIdentifier` of ECDSA, or RSA, with SHA-256. */
function algorithmOf({ asymmetricKeyType }: KeyObject): Buffer {
  return asymmetricKeyType === 'rsa'
    ? sequence(identifier('1.2.840.113549.1.1.11'), tlv(0x05))
    : sequence(identifier('1.2.840.10045.4.3.2'));
}

/** The subject of a certificate, as it stands in it. */
export function subjectOf({ raw }: X509Certificate): Buffer {
  const [tbs] = childrenOf(raw, elementAt(raw, 0));
  const fields = tbs === undefined ? [] : childrenOf(raw, tbs);
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (subject === undefined) throw new Error('it is no certificate');
  return raw.subarray(subject.start, subject.end);
}

/** So many serial numbers: 16 octets each, hex. */
export function serialNumbers(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => serialNumberAt(index));
}

export function serialNumberAt(index: number): string {
  return `4${index.toString(16).padStart(31, '0')}`;
}

/** The entries of these serial numbers, as one: a million are there at once. */
export function entriesOf(count: number): Buffer {
  const entry = entryOf(serialNumberAt(0));
  const all = Buffer.alloc(entry.length * count, entry);
  // Behind two tags with their lengths, and the first octets of the number.
  for (let index = 0; index < count; index += 1) all.writeUInt32BE(index, entry.length * index + 4 + 12);
  return all;
}
