import { BlockList, isIP, isIPv4 } from 'node:net';

/** Who may be called for lists and answers. */
export interface AllowedHosts {
  /** Names, or addresses, each with its port where that is not the usual one. */
  readonly hosts: readonly string[];
  /** Networks of our own that these names may stand for: addresses, or with a prefix. */
  readonly privateNetworks: readonly string[];
}

/** Addresses that lead into a network of our own, or nowhere (RFC 6890): a certificate must not send us there. */
const PRIVATE: readonly (readonly [address: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
];

const PRIVATE_NETWORKS = networksOf(PRIVATE);

function networksOf(networks: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks)
    list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
  return list;
}

/** Whether a text is an address, with a prefix or without one. */
export function isNetwork(text: unknown): boolean {
  return typeof text === 'string' && parseNetwork(text) !== undefined;
}

function parseNetwork(text: string): readonly [address: string, prefix: number] | undefined {
  const [address = '', prefix, ...others] = text.split('/');
  const version = isIP(address);
  if (version === 0 || others.length > 0 || address.includes('%')) return undefined;
  const bits = version === 4 ? 32 : 128;
  if (prefix === undefined) return [address, bits];
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits ? [address, Number(prefix)] : undefined;
}

/** Says whether an address may be connected to. */
export type AddressCheck = (address: string) => boolean;

export function addressCheck(privateNetworks: readonly string[]): AddressCheck {
  const own = networksOf(privateNetworks.map(parseNetwork).filter((network) => network !== undefined));
  return (address) => {
    // The list knows IPv4 within IPv6 too.
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    return isIP(address) !== 0 && (!PRIVATE_NETWORKS.check(address, family) || own.check(address, family));
  };
}

// eslint-disable-next-line no-control-regex -- those are what is looked for
const CONTROL_OR_SPACE = /[\u0000-\u0020\u007f]/;
const LONGEST_URL = 2_000;

/** What a certificate names, where it may be called; `undefined` where not. */
export function allowedUrl(text: string, { hosts }: Pick<AllowedHosts, 'hosts'>): URL | undefined {
  if (text.length > LONGEST_URL || CONTROL_OR_SPACE.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  url.hash = '';
  return hosts.includes(url.host) ? url : undefined;
}

/** Whether a text is the host of a URL, as the parser of URLs writes it. */
export function isHost(text: unknown): boolean {
  if (typeof text !== 'string' || text === '' || CONTROL_OR_SPACE.test(text)) return false;
  return URL.canParse(`http://${text}/`) && new URL(`http://${text}/`).host === text;
}
