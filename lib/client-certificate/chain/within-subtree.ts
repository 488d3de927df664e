import { isIP } from 'node:net';
import { elementAt } from './der.js';
import { DIRECTORY_NAME, DNS_NAME, EMAIL, type GeneralName, IP_ADDRESS, URI } from './general-names.js';
import { namePartKeys } from './name-key.js';

/**
 * Whether a name is within a subtree of the same kind (RFC 5280 §4.2.1.10). `undefined` where that can't be told: such a
 * name is never one of those that are permitted, and always one of those that are excluded.
 * @throws RangeError for what is no name
 */
export function isWithin(name: GeneralName, base: GeneralName): boolean | undefined {
  switch (name.kind) {
    case DNS_NAME:
      return isDnsWithin(lower(name), lower(base));
    case EMAIL:
      return isEmailWithin(textOf(name), textOf(base));
    case URI:
      return isUriWithin(textOf(name), lower(base));
    case IP_ADDRESS:
      return isAddressWithin(name.value, base.value);
    case DIRECTORY_NAME:
      return isDirectoryWithin(name.value, base.value);
    default:
      return undefined;
  }
}

function textOf({ value }: GeneralName): string {
  return value.toString('latin1');
}

/** ASCII alone: other letters are in no name that can be compared. */
function lower(name: GeneralName): string {
  return textOf(name).replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

const HOST = /^[\w-]+(?:\.[\w-]+)*$/;
const WILDCARD = '*.';

/** A host, and all below it; with a dot before it, as OpenSSL has it, only what is below; the empty one holds every host. */
function isDnsWithin(name: string, base: string): boolean | undefined {
  const isWildcard = name.startsWith(WILDCARD);
  const host = isWildcard ? name.slice(WILDCARD.length) : name;
  if (!HOST.test(host) || (base !== '' && !HOST.test(withoutDot(base)))) return undefined;
  if (base === '') return true;
  if (isBelow(name, base) || name === base) return true;
  // `*.example.com` may stand for a host that is inside, and for one that is not.
  return isWildcard && (withoutDot(base) === host || isBelow(base, host)) ? undefined : false;
}

function isBelow(name: string, base: string): boolean {
  return name.endsWith(base.startsWith('.') ? base : `.${base}`);
}

function withoutDot(base: string): string {
  return base.startsWith('.') ? base.slice(1) : base;
}

/** One host; with a dot before it, all below it. */
function isHostWithin(host: string, base: string): boolean | undefined {
  if (!HOST.test(host) || !HOST.test(withoutDot(base))) return undefined;
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

const MAILBOX = /^([^\s@"]+)@([^@]+)$/;

/** A mailbox, all mailboxes of a host, or with a dot before it all those of hosts below. */
function isEmailWithin(name: string, base: string): boolean | undefined {
  const [, local, host] = MAILBOX.exec(name) ?? [];
  if (local === undefined || host === undefined) return undefined;
  if (!base.includes('@')) return isHostWithin(host.toLowerCase(), base.toLowerCase());
  const [, localBase, hostBase] = MAILBOX.exec(base) ?? [];
  if (localBase === undefined || hostBase === undefined) return undefined;
  const isOfHost = isHostWithin(host.toLowerCase(), hostBase.toLowerCase());
  if (isOfHost !== true) return isOfHost;
  if (local === localBase) return true;
  // Strictly another mailbox, and hardly ever one.
  return local.toLowerCase() === localBase.toLowerCase() ? undefined : false;
}

const AUTHORITY = /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#@\\]*@)?([\w.-]+)(?::\d*)?(?:[/?#]|$)/i;

/** The host of a URI; one without a host, or with an address in its place, can't be told. The domain of a SPIFFE id is its host. */
function isUriWithin(name: string, base: string): boolean | undefined {
  const host = AUTHORITY.exec(name)?.[1]?.toLowerCase();
  return host === undefined || isIP(host) !== 0 ? undefined : isHostWithin(host, base);
}

/** An address, and a mask behind it. */
function isAddressWithin(address: Buffer, base: Buffer): boolean | undefined {
  const { length } = address;
  if (![4, 16].includes(length) || ![8, 32].includes(base.length)) return undefined;
  if (base.length !== 2 * length) return false;
  return address.every((byte, index) => {
    const mask = base.readUInt8(length + index);
    return (byte & mask) === (base.readUInt8(index) & mask);
  });
}

function isDirectoryWithin(name: Buffer, base: Buffer): boolean {
  const parts = namePartKeys(name, elementAt(name, 0));
  return namePartKeys(base, elementAt(base, 0)).every((part, index) => part === parts[index]);
}
