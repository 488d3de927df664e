import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { certificateThumbprint } from '../confirmation/certificate-thumbprint.js';

/** The certificate whose private key the peer proved in the TLS handshake. */
export interface ClientCertificate {
  readonly x509: X509Certificate;
  /** SHA-256 of the DER, base64url. */
  readonly thumbprint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** Why its chain does not lead to a trusted CA; `undefined` when it does. */
  readonly chainError: string | undefined;
}

/** Finds the certificate that the peer of a request proved; `undefined` when it proved none. */
export type ClientCertificateSource = (raw: IncomingMessage) => ClientCertificate | undefined;

/**
 * What was found is kept on the connection, so that it is read once, and on the request, so that it is still there
 * when the client has hung up in the meantime. A WeakMap would cost more than all the rest.
 */
const FOUND = Symbol('client certificate');

interface Found {
  /** `null` stands for no certificate. */
  [FOUND]?: ClientCertificate | null;
}

type Connection = Partial<TLSSocket> & Found;

/** The certificate of the TLS connection that a request came on: read and hashed once per connection. */
export const tlsClientCertificate: ClientCertificateSource = (raw: IncomingMessage & Found) => {
  if (raw[FOUND] === undefined) raw[FOUND] = foundOn(connectionOf(raw));
  return raw[FOUND] ?? undefined;
};

function foundOn(connection: Connection): ClientCertificate | null {
  if (connection[FOUND] === undefined) connection[FOUND] = readConnection(connection) ?? null;
  return connection[FOUND];
}

/** With HTTP/2, `socket` is a new proxy for each request; the session is what lives as long as the connection. */
function connectionOf(raw: IncomingMessage): Connection {
  const { stream } = raw as { readonly stream?: ServerHttp2Stream };
  return (stream?.session?.socket ?? raw.socket) as Connection;
}

/**
 * `authorized` alone proves nothing: Node 20 sets it on a TLS 1.3 session that is resumed without any
 * certificate (nodejs/node#35317). So the certificate is looked at first.
 */
function readConnection(connection: Connection): ClientCertificate | undefined {
  const x509 = connection.getPeerX509Certificate?.();
  if (x509 === undefined) return undefined;
  return {
    x509,
    thumbprint: certificateThumbprint(x509.raw),
    notBefore: Date.parse(x509.validFrom),
    notAfter: Date.parse(x509.validTo),
    chainError: connection.authorized === true ? undefined : String(connection.authorizationError),
  };
}
