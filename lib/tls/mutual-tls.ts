import { constants } from 'node:crypto';
import type { ServerOptions } from 'node:https';

/** PEM text or its bytes, or several. */
export type TlsFile = string | Buffer | readonly (string | Buffer)[];

/**
 * The options of `mutualTls`: those of Node's HTTPS server, except for the ones that make TLS mutual.
 * @example
 * ```ts
 * // mutual-tls.ts
 * import { readFileSync } from 'node:fs';
 * import { mutualTls } from 'nestjs-cert-bound-auth';
 *
 * export const httpsOptions = mutualTls({
 *   key: readFileSync('server.key'),
 *   cert: readFileSync('server.crt'),
 *   ca: readFileSync('client-ca.crt'),
 *   clientAuth: 'request',
 * });
 * ```
 */
export interface MutualTlsOptions extends Omit<
  ServerOptions,
  | 'key'
  | 'cert'
  | 'ca'
  | 'requestCert'
  | 'rejectUnauthorized'
  | 'minVersion'
  | 'secureProtocol'
  | 'SNICallback'
  | 'pskCallback'
  | 'pskIdentityHint'
> {
  /** The server's private key (PEM). */
  readonly key: TlsFile;
  /** The server's certificate and its chain (PEM). */
  readonly cert: TlsFile;
  /** The CAs that issue client certificates (PEM). Public CAs are not trusted beside them. */
  readonly ca: TlsFile;
  /**
   * What happens to a client without a certificate of these CAs.
   * `required`: the handshake fails. The client gets no HTTP answer, and public routes need a certificate as well.
   * `request`: the handshake succeeds and the guards answer 401. Probes reach `@Public()` routes, and browsers can send
   * their preflight requests.
   * What is lost with `request`: clients without a certificate reach the HTTP parser.
   * @default 'required'
   */
  readonly clientAuth?: 'required' | 'request';
  /** The lowest version of TLS that is accepted. @default 'TLSv1.2' */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/**
 * TLS options for a server that asks its clients for a certificate: `NestFactory.create(App, { httpsOptions:
 * mutualTls({ key, cert, ca }) })`, or for Fastify `new FastifyAdapter({ https: mutualTls({ key, cert, ca }) })`.
 * TLS 1.2 at least, no renegotiation.
 * @throws TypeError for what would weaken it, and without `ca`: Node would then trust every public CA
 */
export function mutualTls(options: MutualTlsOptions): MutualTlsServerOptions {
  const { clientAuth = 'required', minVersion = 'TLSv1.2', secureOptions = 0, ...rest } = options;
  requireMaterial(options);
  if (clientAuth !== 'required' && clientAuth !== 'request') {
    throw new TypeError(`mutualTls: clientAuth must be 'required' or 'request'`);
  }
  if (minVersion !== 'TLSv1.2' && minVersion !== 'TLSv1.3') {
    throw new TypeError(`mutualTls: minVersion must be 'TLSv1.2' or 'TLSv1.3'`);
  }
  return {
    ...(rest as ServerOptions),
    minVersion,
    requestCert: true,
    rejectUnauthorized: clientAuth === 'required',
    // Renegotiation could change the client's certificate under an open connection.
    secureOptions: secureOptions | constants.SSL_OP_NO_RENEGOTIATION,
  } as MutualTlsServerOptions;
}

/** What {@link mutualTls} returns: `https.ServerOptions`, as strict about `undefined` as Nest's own type. */
export type MutualTlsServerOptions = {
  [Name in Exclude<keyof ServerOptions, 'SNICallback'>]?: Exclude<ServerOptions[Name], undefined>;
};

/** The contexts of `SNICallback` trust CAs of their own; with a pre-shared key a client needs no certificate. */
const FORBIDDEN = [
  'requestCert',
  'rejectUnauthorized',
  'secureProtocol',
  'SNICallback',
  'pskCallback',
  'pskIdentityHint',
] as const;

function requireMaterial(options: MutualTlsOptions): void {
  const missing = (['key', 'cert', 'ca'] as const).filter((name) => isEmpty(options[name]));
  // A PKCS #12 file holds key and certificate.
  const needed = options.pfx === undefined ? missing : missing.filter((name) => name === 'ca');
  if (needed.length > 0) {
    throw new TypeError(
      `mutualTls: ${needed.join(', ')} ${needed.length > 1 ? 'are' : 'is'} missing or empty. ` +
        `"ca" holds the CAs that issue client certificates: without it, Node would trust every public CA`,
    );
  }
  if (![options.ca].flat().every((ca) => ca.includes('-----BEGIN '))) {
    throw new TypeError('mutualTls: ca is not PEM: give the text of the file, not its path');
  }
  const forbidden = FORBIDDEN.filter((name) => name in options);
  if (forbidden.length > 0) {
    throw new TypeError(`mutualTls: ${forbidden.join(', ')} can't be set; use clientAuth and minVersion`);
  }
}

function isEmpty(material: TlsFile | undefined): boolean {
  if (material === undefined || material === null || material.length === 0) return true;
  return Array.isArray(material) && material.some((part: string | Buffer) => isEmpty(part));
}
