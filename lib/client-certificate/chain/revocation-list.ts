import {
  childrenOf,
  contentHex,
  type DerElement,
  elementAt,
  GENERALIZED_TIME,
  INTEGER,
  SEQUENCE,
  timeOf,
  UTC_TIME,
} from './der.js';
import { nameKey } from './name-key.js';

/** A certificate revocation list (RFC 5280 §5.1). */
export interface RevocationList {
  /** The name of the CA, as {@link nameKey} has it. */
  readonly issuer: string;
  /** Its `nextUpdate`, in milliseconds since the epoch. */
  readonly until: number;
  /** Serial numbers, hex. */
  readonly revoked: ReadonlySet<string>;
}

const EXTENSIONS = 0xa0;
/** The object identifier of the extension that makes a list a delta, 2.5.29.27, DER. */
const DELTA_INDICATOR = Buffer.from('0603551d1b', 'hex');

/**
 * Reads what a list names. Its signature is OpenSSL's business, which has taken it. A delta, which OpenSSL ignores, counts
 * as one that is out of date.
 * @throws RangeError for what is no list
 */
export function readRevocationList(pem: string): RevocationList {
  const der = Buffer.from(pem.replaceAll(/-----[^-]*-----/g, ''), 'base64');
  const [tbs] = childrenOf(der, elementAt(der, 0));
  const [first, ...others] = tbs === undefined ? [] : childrenOf(der, tbs);
  // version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, extensions?
  const [issuer, , ...rest] = first?.tag === INTEGER ? others.slice(1) : others;
  if (issuer === undefined) throw new RangeError('it is no revocation list');
  const nextUpdate = rest.find(({ tag }) => tag === UTC_TIME || tag === GENERALIZED_TIME);
  const entries = rest.find(({ tag }) => tag === SEQUENCE);
  const extensions = rest.find(({ tag }) => tag === EXTENSIONS);
  const isDelta =
    extensions !== undefined && der.subarray(extensions.content, extensions.end).includes(DELTA_INDICATOR);
  return {
    issuer: nameKey(der, issuer),
    until: isDelta ? -Infinity : nextUpdate === undefined ? Infinity : timeOf(der, nextUpdate),
    revoked: entries === undefined ? new Set() : serialNumbersOf(der, entries),
  };
}

/** Without an object for each entry that stays: there can be a million. */
function serialNumbersOf(der: Buffer, { content, end }: DerElement): ReadonlySet<string> {
  const serialNumbers = new Set<string>();
  for (let offset = content; offset < end;) {
    const entry = elementAt(der, offset, end);
    serialNumbers.add(contentHex(der, elementAt(der, entry.content, entry.end)));
    offset = entry.end;
  }
  return serialNumbers;
}
