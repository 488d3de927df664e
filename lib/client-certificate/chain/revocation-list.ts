import { messageOf } from '../../common/message-of.js';
import {
  BIT_STRING,
  childrenOf,
  type DerElement,
  elementAt,
  INTEGER,
  isTime,
  SEQUENCE,
  timeOf,
} from './der.js';
import { type ListScope, readListExtensions } from './list-extensions.js';
import { nameKey } from './name-key.js';
import { type ListEntries, readListEntries } from './list-entries.js';

/** A certificate revocation list (RFC 5280 §5.1), as plain data. Who has signed it is another question. */
export interface RevocationList extends ListEntries {
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
  /** Whether it is only of the certificates that its own key has signed, by its own word. */
  readonly isOfOneKey: boolean;
  /** Hex. Of a delta: the number of the list that it is about, at least. */
  readonly baseNumber: string | undefined;
}

/** What came of reading a list. */
export type ListReading =
  | { readonly kind: 'list'; readonly list: RevocationList }
  /** It is none, or has something that would change its meaning and that nothing here understands. */
  | { readonly kind: 'refused'; readonly problem: string };

const EXTENSIONS = 0xa0;

/**
 * Reads a list. Refused by name are those of attribute certificates, indirect deltas, and those with critical extensions, of the
 * list or of an entry, that nothing here understands.
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

  const ca = nameKey(der, issuer);
  const said = readListExtensions(der, extensions, ca);
  if (said.kind === 'refused') return said;
  const { number, baseNumber, authorityKeyId, scope, isOfOneKey } = said;
  const read = readListEntries(der, entries, {
    isDelta: baseNumber !== undefined,
    isIndirect: scope.isIndirect,
    issuer: ca,
  });
  if (typeof read === 'string') return { kind: 'refused', problem: read };
  return {
    kind: 'list',
    list: {
      issuer: ca,
      thisUpdate: momentOf(der, thisUpdate),
      nextUpdate: nextUpdate === undefined ? undefined : momentOf(der, nextUpdate),
      number,
      authorityKeyId,
      scope,
      isOfOneKey,
      baseNumber,
      ...read,
    },
  };
}

function momentOf(der: Buffer, element: DerElement): number {
  const moment = timeOf(der, element);
  if (Number.isNaN(moment)) throw new RangeError('a time of it is none');
  return moment;
}
