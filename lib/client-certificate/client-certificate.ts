import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { Server, type TLSSocket } from 'node:tls';
import { asksForCertificate } from '../tls/asks-for-certificate.js';
import { type ClientTrust, clientTrustOf } from '../tls/client-trust.js';
import { certificateThumbprint } from './certificate-thumbprint.js';
import { type ChainVerdict, chainVerdictOf, unverified } from './chain/chain-verdict.js';
import { verdictOf } from './chain/configured-cas.js';
import { issuersOf } from './thumbprint-hint.js';
import type { MaybePromise } from '../common/maybe-promise.js';
import { type HttpRequest, rawRequestOf } from '../request/http-request.js';

/** The certificate whose private key the client proved in a TLS handshake: with us, or with a proxy that we trust. */
export interface ClientCertificate {
  /** The certificate, or what a proxy says of one that it did not pass on. */
  readonly identity: X509Certificate | ForwardedIdentity;
  /** SHA-256 of the DER, base64url. */
  readonly thumbprint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /**
   * Says whether its chain leads to a trusted CA. A chain that we verify ourselves is verified only when this is asked, and
   * the verdict is kept: it is the same object the next time.
   */
  readonly chain: () => MaybePromise<ChainVerdict>;
  /** The certificates behind it, for the log: of a connection of ours, whose chain is verified at once. */
  readonly issuers?: () => readonly X509Certificate[];
}

/** What a proxy says of a certificate of which it passes on a digest only. */
export interface ForwardedIdentity {
  /** As the proxy wrote it; empty where it did not. */
  readonly subject: string;
  /** As Node prints them. */
  readonly subjectAltNames: readonly string[];
}

/** Whether the client of a request proved a certificate, and if not, why none was found. */
export type ClientCertificateFinding =
  | { readonly kind: 'found'; readonly certificate: ClientCertificate }
  | { readonly kind: 'none'; readonly reason: MissingCertificateReason; readonly detail: string };

/** Why there is no certificate. */
export type MissingCertificateReason = 'certificate_missing' | 'certificate_header_untrusted';

/**
 * Finds the certificate that the client of a request proved.
 * @throws OAuthError when a proxy says so in a way that can't be understood
 */
export type ClientCertificateSource = (request: HttpRequest) => ClientCertificateFinding;

/** What was found is kept on the connection, so that it is read once. A WeakMap would cost more than all the rest. */
const FOUND = Symbol('client certificate');

interface Found {
  [FOUND]?: ClientCertificateFinding;
}

/** A socket of a connection, encrypted or not. */
export type Connection = Partial<TLSSocket> & Found;

const NOT_SENT = none('expected one in the TLS handshake, the client sent none');
const NOT_ASKED_FOR = none('the server asks for none in the TLS handshake: see mutualTls()');
const NO_TLS = none('the connection has no TLS: for what a proxy passes on, see clientCertificate');

function none(detail: string): ClientCertificateFinding {
  return { kind: 'none', reason: 'certificate_missing', detail };
}

/** The certificate of the TLS connection that a request came on: read and hashed once per connection. */
export function tlsClientCertificate(request: HttpRequest): ClientCertificateFinding {
  return certificateOn(connectionOf(rawRequestOf(request)));
}

/** The certificate that the peer of a connection proved, read once. */
export function certificateOn(connection: Connection): ClientCertificateFinding {
  if (connection[FOUND] === undefined) connection[FOUND] = readConnection(connection);
  return connection[FOUND];
}

/** Whether the server of a connection was configured with CAs for the certificates of its peers. */
export function hasConfiguredCas(connection: Connection): boolean {
  const { server } = connection as { readonly server?: unknown };
  return server instanceof Server && clientTrustOf(server).ca.length > 0;
}

/** With HTTP/2, `socket` is a new proxy for each request; the session is what lives as long as the connection. */
export function connectionOf(raw: IncomingMessage): Connection {
  const { stream } = raw as { readonly stream?: ServerHttp2Stream };
  return (stream?.session?.socket ?? raw.socket) as Connection;
}

/**
 * `authorized` alone proves nothing: Node 20 sets it on a TLS 1.3 session that is resumed without any
 * certificate (nodejs/node#35317). So the certificate is looked at first.
 */
function readConnection(connection: Connection): ClientCertificateFinding {
  const x509 = connection.getPeerX509Certificate?.();
  if (x509 === undefined) return whyNone(connection);
  const certificate = describeX509(x509, chainOf(connection, x509));
  return {
    kind: 'found',
    certificate: { ...certificate, issuers: () => issuersOf(connection as TLSSocket) },
  };
}

function whyNone(connection: Connection): ClientCertificateFinding {
  if (connection.encrypted !== true) return NO_TLS;
  const { server } = connection as { readonly server?: unknown };
  return asksForCertificate(server) ? NOT_SENT : NOT_ASKED_FOR;
}

/**
 * What OpenSSL accepted counts only where the CAs that the server was configured with vouch for it too: other contexts
 * of the server, and sessions of other servers, may trust others. That is found out once for each connection, and once
 * more when a certificate or a revocation list of the chain is out of date.
 */
function chainOf(connection: Connection, x509: X509Certificate): () => ChainVerdict {
  if (connection.authorized !== true) {
    const verdict = unverified(String(connection.authorizationError));
    return () => verdict;
  }
  const { server } = connection as { readonly server?: unknown };
  if (!(server instanceof Server)) return () => CAS_UNKNOWN;
  const trust = clientTrustOf(server);
  let verdict: ChainVerdict | undefined;
  return () => {
    const now = Date.now();
    verdict ??= verdictByCas(trust, x509, now);
    // Where a CA was renewed, another path may stand.
    if (isOutOfDate(verdict, now)) verdict = orOutOfDate(verdictByCas(trust, x509, now), now);
    return verdict;
  };
}

const CAS_UNKNOWN = unverified('the CAs of the server of this connection are not known');
const OUT_OF_DATE = unverified('a certificate or a revocation list of its chain is out of date');

function verdictByCas(trust: ClientTrust, x509: X509Certificate, now: number): ChainVerdict {
  return chainVerdictOf(verdictOf(trust, x509, now));
}

function isOutOfDate(verdict: ChainVerdict, now: number): boolean {
  return verdict.kind === 'verified' && now > verdict.until;
}

function orOutOfDate(verdict: ChainVerdict, now: number): ChainVerdict {
  return verdict.kind === 'verified' && now <= verdict.until ? verdict : OUT_OF_DATE;
}

/** @param chain says whether its chain leads to a trusted CA */
export function describeX509(x509: X509Certificate, chain: ClientCertificate['chain']): ClientCertificate {
  return {
    identity: x509,
    thumbprint: certificateThumbprint(x509.raw),
    notBefore: Date.parse(x509.validFrom),
    notAfter: Date.parse(x509.validTo),
    chain,
  };
}
