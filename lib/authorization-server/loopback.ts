import { isIPv4 } from 'node:net';

/** Whether a host, as the parser of URLs writes it, is this machine. */
export function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIPv4(hostname) && hostname.startsWith('127.');
}
