import { BOOLEAN, childrenOf, contentHex, type DerElement, elementAt } from './der.js';
import { nameKey } from './name-key.js';

/** Which certificates of its CA a list is about. */
export interface ListScope {
  /** The names of its distribution point, as {@link generalNameKey} has them; `undefined` for a list of all. */
  readonly distributionPoint: readonly string[] | undefined;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCACerts: boolean;
}

/** What the extensions of a list say. */
export type ListExtensions =
  | {
      readonly kind: 'read';
      readonly number: string | undefined;
      readonly authorityKeyId: string | undefined;
      readonly scope: ListScope;
    }
  | { readonly kind: 'refused'; readonly problem: string };

const AUTHORITY_KEY_IDENTIFIER = '551d23';
const CRL_NUMBER = '551d14';
const DELTA_INDICATOR = '551d1b';
const ISSUING_DISTRIBUTION_POINT = '551d1c';
const UNDERSTOOD: ReadonlySet<string> = new Set([
  AUTHORITY_KEY_IDENTIFIER,
  CRL_NUMBER,
  ISSUING_DISTRIBUTION_POINT,
]);

const ALL_CERTIFICATES: ListScope = {
  distributionPoint: undefined,
  onlyContainsUserCerts: false,
  onlyContainsCACerts: false,
};

/** @throws RangeError for what are no extensions */
export function readListExtensions(der: Buffer, explicit: DerElement | undefined): ListExtensions {
  const extensions = explicit === undefined ? [] : extensionsIn(der, explicit);
  const values = new Map(extensions.map(({ name, value }) => [name, value]));
  if (values.size !== extensions.length) return refused('it has an extension twice');
  if (values.has(DELTA_INDICATOR)) return refused('it is a delta, which is not supported');
  const unknown = extensions.find(({ name, critical }) => critical && !UNDERSTOOD.has(name));
  if (unknown !== undefined)
    return refused(`it has a critical extension that is not supported (${unknown.name} in hex)`);
  const point = values.get(ISSUING_DISTRIBUTION_POINT);
  const scope = point === undefined ? ALL_CERTIFICATES : scopeOf(der, point);
  if (typeof scope === 'string') return refused(scope);
  const [number, keyId] = [values.get(CRL_NUMBER), values.get(AUTHORITY_KEY_IDENTIFIER)];
  return {
    kind: 'read',
    number: number === undefined ? undefined : contentHex(der, number),
    authorityKeyId: keyId === undefined ? undefined : keyIdentifierOf(der, keyId),
    scope,
  };
}

function refused(problem: string): ListExtensions {
  return { kind: 'refused', problem };
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
const FULL_NAME = 0xa0;

/** The scope of an issuing distribution point (RFC 5280 §5.2.5), or why it is not supported. */
function scopeOf(der: Buffer, value: DerElement): ListScope | string {
  const parts = new Map(childrenOf(der, value).map((part) => [part.tag, part]));
  const says = (tag: number): boolean => {
    const flag = parts.get(tag);
    return flag !== undefined && isSet(der, flag);
  };
  if (says(INDIRECT)) return 'it is indirect, which is not supported';
  if (parts.has(ONLY_SOME_REASONS)) return 'it is of some reasons only, which is not supported';
  if (says(ONLY_ATTRIBUTE)) return 'it is of attribute certificates only';
  const point = parts.get(DISTRIBUTION_POINT);
  const names = point === undefined ? undefined : fullNameOf(der, point);
  if (point !== undefined && names === undefined)
    return 'its distribution point is named relative to its CA, which is not supported';
  return {
    distributionPoint: names,
    onlyContainsUserCerts: says(ONLY_USER),
    onlyContainsCACerts: says(ONLY_CA),
  };
}

/** The names of a distribution point; `undefined` where it has a relative one. */
export function fullNameOf(der: Buffer, point: DerElement): readonly string[] | undefined {
  const [name] = childrenOf(der, point);
  if (name?.tag !== FULL_NAME) return undefined;
  return childrenOf(der, name).map((each) => generalNameKey(der, each));
}

const DIRECTORY_NAME = 0xa4;

/** A text by which general names are compared: directory names as all names are, others by their bytes. */
function generalNameKey(der: Buffer, name: DerElement): string {
  const [inner] = name.tag === DIRECTORY_NAME ? childrenOf(der, name) : [];
  return inner === undefined ? der.toString('hex', name.start, name.end) : nameKey(der, inner);
}

function isTrue(der: Buffer, element: DerElement): boolean {
  return element.tag === BOOLEAN && isSet(der, element);
}

function isSet(der: Buffer, { content, end }: DerElement): boolean {
  return end > content && der[content] !== 0;
}
