import { Server } from 'node:tls';

/**
 * The cipher suites that BCP 195 recommends (RFC 9325 §4.2), those of TLS 1.3 first: for `ciphers` of `mutualTls()`. Node's
 * default has more for TLS 1.2.
 * @example
 * ```ts
 * // mutual-tls.ts
 * import { readFileSync } from 'node:fs';
 * import { BCP195_CIPHERS, mutualTls } from 'nestjs-cert-bound-auth';
 *
 * export const httpsOptions = mutualTls({
 *   key: readFileSync('server.key'),
 *   cert: readFileSync('server.crt'),
 *   ca: readFileSync('client-ca.crt'),
 *   ciphers: BCP195_CIPHERS,
 * });
 * ```
 */
export const BCP195_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** Whether a server of TLS agrees on nothing but what BCP 195 recommends; a server without TLS leaves that to a proxy. */
export function keepsBcp195(server: unknown): boolean {
  if (!(server instanceof Server)) return true;
  const { minVersion, ciphers } = server as { readonly minVersion?: string; readonly ciphers?: string };
  if (minVersion === 'TLSv1.3') return true;
  const recommended = new Set(BCP195_CIPHERS.split(':'));
  return ciphers !== undefined && ciphers.split(':').every((name) => recommended.has(name));
}
