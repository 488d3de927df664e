import { X509Certificate } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Server } from 'node:tls';
import type { HttpRequest } from '../../lib/request/http-request.js';
import type { Observation } from './oracle/observation.js';

const ADD_HEADER_LINES = '_addHeaderLines';

/** What Node's own parser calls, so that `headers` and `rawHeaders` are exactly what a connection would give. */
interface ParsedMessage {
  [ADD_HEADER_LINES](headers: readonly string[], count: number): void;
}

/**
 * A request as Node hands it to an app. Only the connection is a stand-in: a million handshakes would take days, and
 * what the library asks of it is the peer's certificate and address.
 */
export function nodeRequest(seen: Observation): HttpRequest & IncomingMessage {
  const request = new IncomingMessage(connectionOf(seen)) as HttpRequest & IncomingMessage & ParsedMessage;
  request.method = seen.method;
  request.url = seen.target;
  const lines = seen.headers.flat();
  request[ADD_HEADER_LINES](lines, lines.length);
  return seen.body === undefined ? request : Object.assign(request, { body: seen.body });
}

/** Connections live longer than requests: what the library keeps on one must serve the next. */
const connections = new Map<string, Socket>();

function connectionOf({ address, certificate }: Observation): Socket {
  const key = `${address} ${certificate?.chainTrusted} ${certificate?.der.toString('base64')}`;
  const known = connections.get(key);
  if (known !== undefined) return known;
  const connection = new StandInConnection(address, certificate) as unknown as Socket;
  connections.set(key, connection);
  return connection;
}

class StandInConnection {
  readonly readableHighWaterMark = 16_384;
  readonly authorized: boolean;
  readonly authorizationError: string | undefined;
  /** Its CAs vouch for what OpenSSL is said to have accepted. */
  readonly server: Server | undefined;
  private readonly x509: X509Certificate | undefined;

  constructor(
    readonly remoteAddress: string,
    certificate: Observation['certificate'],
  ) {
    this.authorized = certificate?.chainTrusted === true;
    this.authorizationError = this.authorized ? undefined : 'DEPTH_ZERO_SELF_SIGNED_CERT';
    this.x509 = certificate === undefined ? undefined : new X509Certificate(certificate.der);
    this.server = this.authorized ? serverThatTrusts(this.x509) : undefined;
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    return this.x509;
  }

  /** Without the certificates behind it: it is asked for hints in the log alone. */
  getPeerCertificate(): { readonly raw?: Buffer } {
    return this.x509 === undefined ? {} : { raw: this.x509.raw };
  }
}

/** A server whose only trusted certificate is this one. */
function serverThatTrusts(x509: X509Certificate | undefined): Server {
  return Object.assign(new Server({ ca: x509?.toString() ?? [] }), { allowPartialTrustChain: true });
}
