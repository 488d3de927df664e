import {
  bytesOf,
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

/** A certificate revocation list (RFC 5280 §5.1). */
export interface RevocationList {
  /** The name of the CA, DER. */
  readonly issuer: Buffer;
  /** Its `nextUpdate`, in milliseconds since the epoch. */
  readonly until: number;
  /** Serial numbers, hex. */
  readonly revoked: ReadonlySet<string>;
}

/** Reads what a list names. Its signature is OpenSSL's business, which has taken it. @throws RangeError */
export function readRevocationList(pem: string): RevocationList {
  const der = Buffer.from(pem.replaceAll(/-----[^-]*-----/g, ''), 'base64');
  const [tbs] = childrenOf(der, elementAt(der, 0));
  const [first, ...others] = tbs === undefined ? [] : childrenOf(der, tbs);
  // version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, extensions?
  const [issuer, , ...rest] = first?.tag === INTEGER ? others.slice(1) : others;
  if (issuer === undefined) throw new RangeError('it is no revocation list');
  const nextUpdate = rest.find(({ tag }) => tag === UTC_TIME || tag === GENERALIZED_TIME);
  const entries = rest.find(({ tag }) => tag === SEQUENCE);
  return {
    issuer: bytesOf(der, issuer),
    until: nextUpdate === undefined ? Infinity : timeOf(der, nextUpdate),
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
