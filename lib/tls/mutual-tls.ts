import { constants, X509Certificate } from 'node:crypto';
import type { ServerOptions } from 'node:https';
import { sessionContextOf } from './client-trust.js';
import { foreignRootProblem } from './foreign-root.js';
import { pairProblem, readPrivateKey } from './key-pair.js';
import { pemBlocks, pemText } from './pem.js';

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
  | 'crl'
  | 'pfx'
  | 'requestCert'
  | 'rejectUnauthorized'
  | 'minVersion'
  | 'secureContext'
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
   * CAs between those of `ca` and clients (PEM). They are not trusted by themselves. One that only the client sends in
   * its handshake does not count: resumed sessions lose it, and some versions of Node never show it.
   * @default none
   */
  readonly intermediates?: TlsFile;
  /**
   * Certificate revocation lists (PEM), one at least for every CA in the chain of a client, roots too: OpenSSL asks for
   * all of them. Several may be in one file.
   * @default none: revocation is not checked
   */
  readonly crl?: TlsFile;
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
 * TLS 1.2 at least, no renegotiation, and sessions that resume only where the same certificates are trusted.
 * @throws TypeError for what would weaken it, and without `ca`: Node would then trust every public CA; for a key and a
 *   certificate that are no pair, for a certificate that has expired, and for a root among the `intermediates`
 */
export function mutualTls(options: MutualTlsOptions): MutualTlsServerOptions {
  requireAllowed(options);
  const { clientAuth = 'required', minVersion = 'TLSv1.2', secureOptions = 0, ...others } = options;
  const { intermediates = [], crl = [], ca, sessionIdContext = '', ...rest } = others;
  if (clientAuth !== 'required' && clientAuth !== 'request') {
    throw new TypeError(`mutualTls: clientAuth must be 'required' or 'request'`);
  }
  if (minVersion !== 'TLSv1.2' && minVersion !== 'TLSv1.3') {
    throw new TypeError(`mutualTls: minVersion must be 'TLSv1.2' or 'TLSv1.3'`);
  }
  requirePair(options);
  const between = certificatesOf('intermediates', intermediates);
  const roots = certificatesOf('ca', ca);
  const foreign = foreignRootProblem(between, roots);
  if (foreign !== undefined) throw new TypeError(`mutualTls: intermediates ${foreign}`);
  const trust = { ca: [...roots, ...between], crl: listsOf(crl) };
  if (between.length > 0) withIntermediates.add(trust.ca);
  return {
    ...(rest as ServerOptions),
    ca: trust.ca,
    ...(trust.crl.length === 0 ? {} : { crl: trust.crl }),
    sessionIdContext: sessionContextOf(options.ticketKeys ?? '', trust, clientAuth, sessionIdContext),
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

/** The lists of CAs, as Node's servers keep them, that hold `intermediates`. */
const withIntermediates = new WeakSet<object>();

/** Whether the `ca` that a server keeps was made of `intermediates` too. */
export function holdsIntermediates(ca: unknown): boolean {
  return typeof ca === 'object' && ca !== null && withIntermediates.has(ca);
}

/** The contexts of `SNICallback` trust CAs of their own; with a pre-shared key a client needs no certificate. */
const FORBIDDEN = [
  'requestCert',
  'rejectUnauthorized',
  'secureContext',
  'secureProtocol',
  'SNICallback',
  'pskCallback',
  'pskIdentityHint',
] as const;

const PFX_REMEDY =
  'mutualTls: pfx is not taken: Node would trust the CAs inside it for clients too. Convert it, and give key and cert: ' +
  'openssl pkcs12 -in server.p12 -nocerts -nodes -out tls.key; ' +
  'openssl pkcs12 -in server.p12 -nokeys -clcerts -out tls.crt; ' +
  'openssl pkcs12 -in server.p12 -nokeys -cacerts >> tls.crt (with -legacy for old files)';

function requireAllowed(options: MutualTlsOptions): void {
  if ((options as ServerOptions).pfx !== undefined) throw new TypeError(PFX_REMEDY);
  const missing = (['key', 'cert', 'ca'] as const).filter((name) => isEmpty(options[name]));
  if (missing.length > 0) {
    throw new TypeError(
      `mutualTls: ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} missing or empty. ` +
        `"ca" holds the CAs that issue client certificates: without it, Node would trust every public CA`,
    );
  }
  // Node takes an empty list of lists for "check nothing".
  const empty = (['crl', 'intermediates'] as const).filter(
    (name) => options[name] !== undefined && isEmpty(options[name]),
  );
  if (empty.length > 0) {
    throw new TypeError(
      `mutualTls: ${empty.join(', ')} given, but empty: leave it out, or give what the file holds`,
    );
  }
  const forbidden = FORBIDDEN.filter((name) => name in options);
  if (forbidden.length > 0) {
    throw new TypeError(`mutualTls: ${forbidden.join(', ')} can't be set; use clientAuth and minVersion`);
  }
}

function certificatesOf(name: 'ca' | 'intermediates', file: TlsFile): readonly string[] {
  return partsOf(file).flatMap((text) => {
    const blocks = attempt(name, () => pemBlocks(text, 'CERTIFICATE'));
    if (blocks.length === 0) {
      throw new TypeError(`mutualTls: ${name} is not PEM: give the text of the file, not its path`);
    }
    for (const block of blocks) attempt(name, () => new X509Certificate(block));
    return blocks;
  });
}

/** One list each: of several in one text Node reads the first only. */
function listsOf(file: TlsFile): readonly string[] {
  return partsOf(file).flatMap((text) => {
    const blocks = attempt('crl', () => pemBlocks(text, 'X509 CRL'));
    if (blocks.length > 0) return blocks;
    throw new TypeError(
      'mutualTls: crl is not PEM: give the text of the file, not its path ' +
        '(openssl crl -inform DER -in ca.crl -out ca.pem converts what a CA publishes)',
    );
  });
}

function attempt<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new TypeError(`mutualTls: ${name} is broken: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws TypeError naming what is wrong with the key or the certificate */
function requirePair({ key, cert, passphrase }: MutualTlsOptions): void {
  const keys = [key].flat().map((part) => {
    const read = readKey(part, passphrase);
    if (typeof read === 'string') throw new TypeError(`mutualTls: key ${read}`);
    return read;
  });
  for (const text of partsOf(cert)) {
    const blocks = attempt('cert', () => pemBlocks(text, 'CERTIFICATE'));
    const problem = attempt('cert', () => pairProblem(blocks, keys));
    if (problem !== undefined) throw new TypeError(`mutualTls: cert ${problem}`);
  }
}

/** Node takes keys with passphrases of their own as well. */
function readKey(
  part: string | Buffer | { readonly pem?: string | Buffer; readonly passphrase?: string },
  passphrase: string | undefined,
): ReturnType<typeof readPrivateKey> {
  if (typeof part === 'string' || ArrayBuffer.isView(part)) return readPrivateKey(pemText(part), passphrase);
  return readPrivateKey(pemText(part.pem), part.passphrase ?? passphrase);
}

function partsOf(file: TlsFile): readonly string[] {
  return [file].flat().map((part) => pemText(part));
}

function isEmpty(material: TlsFile | undefined): boolean {
  if (material === undefined || material === null || material.length === 0) return true;
  return Array.isArray(material) && material.some((part: string | Buffer) => isEmpty(part));
}
