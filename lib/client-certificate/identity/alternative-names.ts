import { childrenOf, type DerElement, elementAt } from '../chain/der.js';
import { type DistinguishedName, readName } from './distinguished-name.js';
import { ascii } from './text-of.js';

/** The subject alternative names of a certificate, by kind (RFC 5280 §4.2.1.6). Other kinds are left out. */
export interface AlternativeNames {
  /** In lower case. */
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  /** The domain in lower case. */
  readonly email: readonly string[];
  /** As {@link canonicalIp} writes them. */
  readonly ip: readonly string[];
  readonly directoryName: readonly DistinguishedName[];
}

export const NO_NAMES: AlternativeNames = { dns: [], uri: [], email: [], ip: [], directoryName: [] };

const EMAIL = 0x81;
const DNS = 0x82;
const DIRECTORY_NAME = 0xa4;
const URI = 0x86;
const IP = 0x87;

/** @param der the value of the extension @throws RangeError for what is none */
export function readAlternativeNames(der: Buffer): AlternativeNames {
  const names = childrenOf(der, elementAt(der, 0));
  const texts = (tag: number): readonly string[] =>
    names.flatMap((name) => (name.tag === tag ? requireText(der, name) : []));
  return {
    dns: texts(DNS).map(canonicalDns),
    uri: texts(URI),
    email: texts(EMAIL).map(canonicalEmail),
    ip: names.flatMap((name) => (name.tag === IP ? ipOf(der.subarray(name.content, name.end)) : [])),
    directoryName: names.flatMap((name) => (name.tag === DIRECTORY_NAME ? [directoryName(der, name)] : [])),
  };
}

function requireText(der: Buffer, { content, end }: DerElement): string {
  const text = ascii(der.subarray(content, end));
  if (text === undefined) throw new RangeError('an alternative name is not ASCII');
  return text;
}

function directoryName(der: Buffer, { content, end }: DerElement): DistinguishedName {
  return readName(der, elementAt(der, content, end));
}

/** Names of hosts are the same in upper and lower case. */
export function canonicalDns(name: string): string {
  return name.toLowerCase();
}

/** Only the part before the `@` may mean something else in upper case. */
export function canonicalEmail(address: string): string {
  const at = address.lastIndexOf('@');
  return address.slice(0, at + 1) + address.slice(at + 1).toLowerCase();
}

function ipOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new RangeError('an alternative name is no IP address');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return canonicalIp(groups.join(':'));
}

/** An IPv6 address has many spellings: in one of them. */
export function canonicalIp(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
