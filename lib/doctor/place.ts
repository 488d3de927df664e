import { isIP } from 'node:net';

/** Where a server listens, as Node connects to it. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** For a name alone: an address is none (RFC 6066 §3). */
  readonly servername?: string;
}

/** The place that a URL leads to. @param usual the port of its scheme */
export function placeOf({ hostname, port }: URL, usual: number): Place {
  const host = hostname.replace(/^\[|\]$/g, '');
  const place = { host, port: Number(port) || usual };
  return isIP(host) === 0 ? { ...place, servername: host } : place;
}
