import { isIPv4 } from 'node:net';

/** Whether a host, as the parser of URLs writes it, is this machine. */
export function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIPv4(hostname) && hostname.startsWith('127.');
}

/** IPv4 within IPv6, as the parser of URLs writes it: ::ffff:127.0.0.0/104. */
const MAPPED_LOOPBACK = /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/;
const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '[::]']);

/** As {@link isLoopback}, and by every other name that leads to this machine wherever it is used. */
export function isThisMachine(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '');
  if (isLoopback(name) || UNSPECIFIED.has(name)) return true;
  // RFC 6761 §6.3
  return name.endsWith('.localhost') || MAPPED_LOOPBACK.test(name);
}
