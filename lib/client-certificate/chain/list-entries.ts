import { childrenOf, contentHex, type DerElement, elementAt, INTEGER, isTime } from './der.js';
import { directoryNameKeys } from './distribution-point-names.js';
import { NO_SERIAL_NUMBERS, type SerialNumbers, SerialNumberWriter } from './serial-numbers.js';

/** Which certificates a list names. */
export interface ListEntries {
  readonly revoked: SerialNumbers;
  /** Of a delta: which certificates are off the list again. */
  readonly removed: SerialNumbers;
  /** Of an indirect list: certificates of other CAs; one CA may stand there several times. */
  readonly ofOthers: readonly RevokedOfIssuer[];
}

/** The revoked certificates of a CA. */
export interface RevokedOfIssuer {
  /** Its name, as `nameKey` has it. */
  readonly issuer: string;
  readonly revoked: SerialNumbers;
}

/** The list that entries are in. */
interface Around {
  readonly isDelta: boolean;
  readonly isIndirect: boolean;
  /** As `nameKey` has it. */
  readonly issuer: string;
}

/** CAs at most that an indirect list may name. */
const MOST_ISSUERS = 1_000;

/** The serial numbers of the entries, or what is wrong with one. @throws RangeError for what are no entries */
export function readListEntries(
  der: Buffer,
  entries: DerElement | undefined,
  around: Around,
): ListEntries | string {
  if (entries === undefined) return { revoked: NO_SERIAL_NUMBERS, removed: NO_SERIAL_NUMBERS, ofOthers: [] };
  const own = new SerialNumberWriter(entries.end - entries.content);
  const removed = new SerialNumberWriter(0);
  const others = new OtherIssuers();
  let writer = own;
  for (let offset = entries.content; offset < entries.end;) {
    const entry = elementAt(der, offset, entries.end);
    const serialNumber = elementAt(der, entry.content, entry.end);
    if (serialNumber.tag !== INTEGER) throw new RangeError('an entry has no serial number');
    const date = elementAt(der, serialNumber.end, entry.end);
    if (!isTime(date)) throw new RangeError('an entry has no date');
    const said =
      date.end === entry.end ? NOTHING : readEntry(der, elementAt(der, date.end, entry.end), around);
    if (typeof said === 'string') return said;
    // Those that follow are of this CA too (RFC 5280 §5.3.3).
    if (said.issuers !== undefined)
      writer = said.issuers.every((issuer) => issuer === around.issuer) ? own : others.writerOf(said.issuers);
    (said.isRemoved ? removed : writer).add(der, serialNumber.content, serialNumber.end);
    offset = entry.end;
  }
  return { revoked: own.finish(), removed: removed.finish(), ofOthers: others.finish() };
}

/** The CAs that an indirect list names. An entry may have several names of one: their numbers are held once. */
class OtherIssuers {
  private readonly groups = new Map<
    string,
    { readonly issuers: readonly string[]; readonly writer: SerialNumberWriter }
  >();
  private names = 0;

  /** @throws RangeError where there are too many */
  writerOf(issuers: readonly string[]): SerialNumberWriter {
    const key = JSON.stringify(issuers);
    const before = this.groups.get(key);
    if (before !== undefined) return before.writer;
    this.names += issuers.length;
    if (this.names > MOST_ISSUERS) throw new RangeError('it names too many CAs');
    const writer = new SerialNumberWriter(0);
    this.groups.set(key, { issuers, writer });
    return writer;
  }

  finish(): readonly RevokedOfIssuer[] {
    return [...this.groups.values()].flatMap(({ issuers, writer }) => {
      const revoked = writer.finish();
      return issuers.map((issuer) => ({ issuer, revoked }));
    });
  }
}

/** What an entry says beside its number. */
interface Said {
  /** The names of the CA that it is of; `undefined` for that of the entry before. */
  readonly issuers: readonly string[] | undefined;
  readonly isRemoved: boolean;
}

const NOTHING: Said = { issuers: undefined, isRemoved: false };

const REASON_CODE = '551d15';
const INVALIDITY_DATE = '551d18';
const CERTIFICATE_ISSUER = '551d1d';
const UNDERSTOOD: ReadonlySet<string> = new Set([REASON_CODE, INVALIDITY_DATE, CERTIFICATE_ISSUER]);
/** `removeFromCRL` */
const REMOVED = 8;

function readEntry(der: Buffer, extensions: DerElement, { isDelta, isIndirect }: Around): Said | string {
  let { issuers, isRemoved } = NOTHING;
  for (let offset = extensions.content; offset < extensions.end;) {
    const extension = elementAt(der, offset, extensions.end);
    const [identifier, ...rest] = childrenOf(der, extension);
    const value = rest.at(-1);
    if (identifier === undefined || value === undefined) throw new RangeError('an entry has other parts');
    const name = contentHex(der, identifier);
    if (rest.length > 1 && !UNDERSTOOD.has(name))
      return `an entry has a critical extension that is not supported (${name} in hex)`;
    if (name === CERTIFICATE_ISSUER) {
      if (!isIndirect) return 'an entry names another CA, and the list does not say that it is indirect';
      issuers = directoryNameKeys(der, elementAt(der, value.content, value.end));
      if (issuers.length === 0) return 'an entry names another CA by no directory name';
    }
    if (name === REASON_CODE && der[value.end - 1] === REMOVED) {
      if (!isDelta) return 'an entry is of a delta: it takes a certificate off the list';
      isRemoved = true;
    }
    offset = extension.end;
  }
  return { issuers, isRemoved };
}
