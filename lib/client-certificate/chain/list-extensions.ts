import { BOOLEAN, childrenOf, contentHex, type DerElement, elementAt } from './der.js';
import { pointNamesOf, reasonsOf } from './distribution-point-names.js';

/** Which certificates of its CA a list is about. */
export interface ListScope {
  /** The names of its distribution point, as {@link pointNamesOf} has them; `undefined` for a list of all. */
  readonly distributionPoint: readonly string[] | undefined;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCACerts: boolean;
  /** Bits as {@link reasonsOf} has them; `undefined` for a list of all. */
  readonly onlySomeReasons: number | undefined;
  /** Whether it names certificates of other CAs too. */
  readonly isIndirect: boolean;
}

/** What the extensions of a list say. */
export type ListExtensions =
  | {
      readonly kind: 'read';
      readonly number: string | undefined;
      /** Of a delta: which list it is about, at least. */
      readonly baseNumber: string | undefined;
      readonly authorityKeyId: string | undefined;
      readonly scope: ListScope;
      /** Whether it says that it is only of the certificates that its own key has signed. */
      readonly isOfOneKey: boolean;
    }
  | { readonly kind: 'refused'; readonly problem: string };

const AUTHORITY_KEY_IDENTIFIER = '551d23';
const CRL_NUMBER = '551d14';
const DELTA_INDICATOR = '551d1b';
const ISSUING_DISTRIBUTION_POINT = '551d1c';
/** Of AD CS, which keeps a list for each key of a CA: 1.3.6.1.4.1.311.21.1. */
const CA_VERSION = '2b0601040182371501';
const UNDERSTOOD: ReadonlySet<string> = new Set([
  AUTHORITY_KEY_IDENTIFIER,
  CRL_NUMBER,
  DELTA_INDICATOR,
  ISSUING_DISTRIBUTION_POINT,
]);

const ALL_CERTIFICATES: ListScope = {
  distributionPoint: undefined,
  onlyContainsUserCerts: false,
  onlyContainsCACerts: false,
  onlySomeReasons: undefined,
  isIndirect: false,
};

/** @param issuer of the list, as `nameKey` has it @throws RangeError for what are no extensions */
export function readListExtensions(
  der: Buffer,
  explicit: DerElement | undefined,
  issuer: string,
): ListExtensions {
  const extensions = explicit === undefined ? [] : extensionsIn(der, explicit);
  const values = new Map(extensions.map(({ name, value }) => [name, value]));
  if (values.size !== extensions.length) return refused('it has an extension twice');
  const unknown = extensions.find(({ name, critical }) => critical && !UNDERSTOOD.has(name));
  if (unknown !== undefined)
    return refused(`it has a critical extension that is not supported (${unknown.name} in hex)`);
  const point = values.get(ISSUING_DISTRIBUTION_POINT);
  const scope = point === undefined ? ALL_CERTIFICATES : scopeOf(der, point, issuer);
  if (typeof scope === 'string') return refused(scope);
  const keyId = values.get(AUTHORITY_KEY_IDENTIFIER);
  const [number, baseNumber] = [CRL_NUMBER, DELTA_INDICATOR].map((name) => numberIn(der, values.get(name)));
  if (baseNumber !== undefined && (number === undefined || scope.isIndirect))
    return refused('it is a delta without a number, or an indirect one, which is not supported');
  return {
    kind: 'read',
    number,
    baseNumber,
    authorityKeyId: keyId === undefined ? undefined : keyIdentifierOf(der, keyId),
    scope,
    isOfOneKey: values.has(CA_VERSION),
  };
}

function refused(problem: string): ListExtensions {
  return { kind: 'refused', problem };
}

function numberIn(der: Buffer, value: DerElement | undefined): string | undefined {
  return value === undefined ? undefined : contentHex(der, value);
}

interface Extension {
  /** Its object identifier, hex. */
  readonly name: string;
  readonly critical: boolean;
  /** What the octet string holds. */
  readonly value: DerElement;
}

function extensionsIn(der: Buffer, explicit: DerElement): readonly Extension[] {
  const [sequence] = childrenOf(der, explicit);
  if (sequence === undefined) throw new RangeError('it has other parts');
  return childrenOf(der, sequence).map((element) => {
    const [identifier, ...rest] = childrenOf(der, element);
    const value = rest.at(-1);
    if (identifier === undefined || value === undefined) throw new RangeError('an extension has other parts');
    const [flag] = rest.length > 1 ? rest : [];
    return {
      name: contentHex(der, identifier),
      critical: flag !== undefined && isTrue(der, flag),
      value: elementAt(der, value.content, value.end),
    };
  });
}

/** `AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0], … }` */
function keyIdentifierOf(der: Buffer, value: DerElement): string | undefined {
  const identifier = childrenOf(der, value).find(({ tag }) => tag === 0x80);
  return identifier === undefined ? undefined : contentHex(der, identifier);
}

const DISTRIBUTION_POINT = 0xa0;
const ONLY_USER = 0x81;
const ONLY_CA = 0x82;
const ONLY_SOME_REASONS = 0x83;
const INDIRECT = 0x84;
const ONLY_ATTRIBUTE = 0x85;

/** The scope of an issuing distribution point (RFC 5280 §5.2.5), or why it is not supported. */
function scopeOf(der: Buffer, value: DerElement, issuer: string): ListScope | string {
  const parts = new Map(childrenOf(der, value).map((part) => [part.tag, part]));
  const says = (tag: number): boolean => {
    const flag = parts.get(tag);
    return flag !== undefined && isSet(der, flag);
  };
  if (says(ONLY_ATTRIBUTE)) return 'it is of attribute certificates only';
  const point = parts.get(DISTRIBUTION_POINT);
  const reasons = parts.get(ONLY_SOME_REASONS);
  return {
    distributionPoint: point === undefined ? undefined : pointNamesOf(der, point, issuer),
    onlyContainsUserCerts: says(ONLY_USER),
    onlyContainsCACerts: says(ONLY_CA),
    onlySomeReasons: reasons === undefined ? undefined : reasonsOf(der, reasons),
    isIndirect: says(INDIRECT),
  };
}

function isTrue(der: Buffer, element: DerElement): boolean {
  return element.tag === BOOLEAN && isSet(der, element);
}

function isSet(der: Buffer, { content, end }: DerElement): boolean {
  return end > content && der[content] !== 0;
}
