import type { X509Certificate } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { fieldsOf } from '../client-certificate/chain/certificate-fields.js';
import { onlyElement, SEQUENCE } from '../client-certificate/chain/der.js';
import { nameKey } from '../client-certificate/chain/name-key.js';
import { readName, rfc4514 } from '../client-certificate/identity/distinguished-name.js';
import { placeOf } from './place.js';

/** Whether a server asks for a client certificate in its handshake, and of which CAs. */
export type CertificateRequest =
  | { readonly kind: 'asked'; readonly authorities: readonly Buffer[] }
  | { readonly kind: 'not-asked' }
  /** It speaks TLS 1.3 alone, which encrypts the question. */
  | { readonly kind: 'unseen' };

/** Looks at a handshake of TLS 1.2, in which the question is to be read. Nothing else is sent. */
export async function certificateRequestOf(url: URL, signal: AbortSignal): Promise<CertificateRequest> {
  const { servername, ...place } = placeOf(url, 443);
  const socket = connect(place);
  const tap = new Tap(socket);
  signal.addEventListener('abort', () => tap.destroy());
  const tls = connectTls({
    socket: tap,
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
  });
  await new Promise<void>((resolve) => {
    tls.once('secureConnect', resolve);
    tls.on('error', () => resolve());
    tls.once('close', () => resolve());
  });
  tls.destroy();
  tap.destroy();
  return readRequest(Buffer.concat(tap.seen));
}

/** Bytes: a handshake is of a few thousand, with the names of a hundred CAs some more. */
const MOST_BYTES = 131_072;

/** Passes on what goes through it, and keeps the beginning of what comes. */
class Tap extends Duplex {
  readonly seen: Buffer[] = [];
  private size = 0;

  constructor(private readonly socket: Socket) {
    super();
    socket.on('data', (chunk: Buffer) => {
      this.size += chunk.length;
      if (this.size <= MOST_BYTES) this.seen.push(chunk);
      this.push(chunk);
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    // What comes is pushed as it comes.
  }

  override _write(chunk: Buffer, _encoding: unknown, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}

const HANDSHAKE_RECORD = 22;
const CERTIFICATE_REQUEST = 13;
const SERVER_HELLO_DONE = 14;

/** @see RFC 5246 §6.2.1, §7.4 */
export function readRequest(bytes: Buffer): CertificateRequest {
  try {
    for (const { type, body } of messagesOf(handshakeIn(bytes))) {
      if (type === CERTIFICATE_REQUEST) return { kind: 'asked', authorities: authoritiesIn(body) };
      if (type === SERVER_HELLO_DONE) return { kind: 'not-asked' };
    }
  } catch {
    // What is cut off says no more.
  }
  return { kind: 'unseen' };
}

/** What the records of the handshake hold. */
function handshakeIn(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes.readUInt8(at) === HANDSHAKE_RECORD;) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(parts);
}

interface Message {
  readonly type: number;
  readonly body: Buffer;
}

function* messagesOf(handshake: Buffer): Generator<Message> {
  for (let at = 0; at + 4 <= handshake.length;) {
    const end = at + 4 + handshake.readUIntBE(at + 1, 3);
    yield { type: handshake.readUInt8(at), body: handshake.subarray(at + 4, end) };
    at = end;
  }
}

/** Behind the types of certificates and the algorithms of signatures (RFC 5246 §7.4.4). */
function authoritiesIn(body: Buffer): readonly Buffer[] {
  const types = 1 + body.readUInt8(0);
  let at = types + 2 + body.readUInt16BE(types);
  const end = at + 2 + body.readUInt16BE(at);
  const names: Buffer[] = [];
  at += 2;
  while (at < end) {
    const length = body.readUInt16BE(at);
    names.push(body.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return names;
}

/** A name as text, whatever is in it. */
export function textOfName(der: Buffer): string {
  try {
    return rfc4514(readName(der, onlyElement(der, SEQUENCE)));
  } catch {
    return 'a name that cannot be read';
  }
}

/** Whether one of these authorities is the issuer of a certificate, as names are compared. */
export function namesIssuerOf(certificate: X509Certificate, authorities: readonly Buffer[]): boolean {
  const { issuer } = fieldsOf(certificate);
  return authorities.some((der) => {
    try {
      return nameKey(der, onlyElement(der, SEQUENCE)) === issuer;
    } catch {
      return false;
    }
  });
}
