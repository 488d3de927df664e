import { messageOf } from '../../common/message-of.js';
import {
  BIT_STRING,
  childrenOf,
  contentHex,
  type DerElement,
  elementAt,
  INTEGER,
  isTime,
  SEQUENCE,
  timeOf,
} from './der.js';
import { type ListScope, readListExtensions } from './list-extensions.js';
import { nameKey } from './name-key.js';
import { NO_SERIAL_NUMBERS, type SerialNumbers, SerialNumberWriter } from './serial-numbers.js';

/** A certificate revocation list (RFC 5280 §5.1), as plain data. Who has signed it is another question. */
export interface RevocationList {
  /** The name of the CA, as {@link nameKey} has it. */
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Likewise; `undefined` for a list that never ends, which RFC 5280 §5.1.2.5 forbids. */
  readonly nextUpdate: number | undefined;
  /** Hex. */
  readonly number: string | undefined;
  /** The identifier of the key that has signed it, hex. */
  readonly authorityKeyId: string | undefined;
  /** Which certificates it is about. */
  readonly scope: ListScope;
  readonly revoked: SerialNumbers;
}

/** What came of reading a list. */
export type ListReading =
  | { readonly kind: 'list'; readonly list: RevocationList }
  /** It is none, or has something that would change its meaning and that nothing here understands. */
  | { readonly kind: 'refused'; readonly problem: string };

const EXTENSIONS = 0xa0;

/**
 * Reads a list. Refused by name are those that are indirect, of some reasons, of attribute certificates, or deltas, and
 * those with critical extensions, of the list or of an entry, that nothing here understands.
 */
export function readRevocationList(der: Buffer): ListReading {
  try {
    return readList(der);
  } catch (error) {
    return { kind: 'refused', problem: `it is no revocation list: ${messageOf(error)}` };
  }
}

/** @throws RangeError for what is no list */
function readList(der: Buffer): ListReading {
  const outer = elementAt(der, 0);
  const [tbs, , signature] = childrenOf(der, outer);
  if (outer.end !== der.length || tbs?.tag !== SEQUENCE || signature?.tag !== BIT_STRING)
    throw new RangeError('it has other parts');
  // version?, signature, issuer, thisUpdate, nextUpdate?, revokedCertificates?, extensions?
  const [first, ...others] = childrenOf(der, tbs);
  const [issuer, thisUpdate, ...rest] = first?.tag === INTEGER ? others.slice(1) : others;
  if (issuer === undefined || thisUpdate === undefined) throw new RangeError('it has other parts');
  const nextUpdate = isTime(rest[0]) ? rest.shift() : undefined;
  const entries = rest[0]?.tag === SEQUENCE ? rest.shift() : undefined;
  const extensions = rest[0]?.tag === EXTENSIONS ? rest.shift() : undefined;
  if (rest.length > 0) throw new RangeError('it has other parts');

  const said = readListExtensions(der, extensions);
  if (said.kind === 'refused') return said;
  const read = readEntries(der, entries);
  if (typeof read === 'string') return { kind: 'refused', problem: read };
  const { number, authorityKeyId, scope } = said;
  return {
    kind: 'list',
    list: {
      issuer: nameKey(der, issuer),
      thisUpdate: momentOf(der, thisUpdate),
      nextUpdate: nextUpdate === undefined ? undefined : momentOf(der, nextUpdate),
      number,
      authorityKeyId,
      scope,
      revoked: read,
    },
  };
}

function momentOf(der: Buffer, element: DerElement): number {
  const moment = timeOf(der, element);
  if (Number.isNaN(moment)) throw new RangeError('a time of it is none');
  return moment;
}

/** The serial numbers of the entries, or what is wrong with one. @throws RangeError for what are no entries */
function readEntries(der: Buffer, entries: DerElement | undefined): SerialNumbers | string {
  if (entries === undefined) return NO_SERIAL_NUMBERS;
  const writer = new SerialNumberWriter(entries.end - entries.content);
  for (let offset = entries.content; offset < entries.end;) {
    const entry = elementAt(der, offset, entries.end);
    const serialNumber = elementAt(der, entry.content, entry.end);
    if (serialNumber.tag !== INTEGER) throw new RangeError('an entry has no serial number');
    writer.add(der, serialNumber.content, serialNumber.end);
    const date = elementAt(der, serialNumber.end, entry.end);
    if (!isTime(date)) throw new RangeError('an entry has no date');
    const problem =
      date.end === entry.end ? undefined : entryProblem(der, elementAt(der, date.end, entry.end));
    if (problem !== undefined) return problem;
    offset = entry.end;
  }
  return writer.finish();
}

const REASON_CODE = '551d15';
const INVALIDITY_DATE = '551d18';
const CERTIFICATE_ISSUER = '551d1d';
const UNDERSTOOD: ReadonlySet<string> = new Set([REASON_CODE, INVALIDITY_DATE]);
/** `removeFromCRL`, which has a meaning in deltas only. */
const REMOVED = 8;

function entryProblem(der: Buffer, extensions: DerElement): string | undefined {
  for (let offset = extensions.content; offset < extensions.end;) {
    const extension = elementAt(der, offset, extensions.end);
    const [identifier, ...rest] = childrenOf(der, extension);
    const value = rest.at(-1);
    if (identifier === undefined || value === undefined) throw new RangeError('an entry has other parts');
    const name = contentHex(der, identifier);
    if (name === CERTIFICATE_ISSUER) return 'it is indirect: an entry names another CA';
    if (rest.length > 1 && !UNDERSTOOD.has(name))
      return `an entry has a critical extension that is not supported (${name} in hex)`;
    if (name === REASON_CODE && der[value.end - 1] === REMOVED)
      return 'an entry is of a delta: it takes a certificate off the list';
    offset = extension.end;
  }
  return undefined;
}
