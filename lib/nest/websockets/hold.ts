import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { log } from '../../common/log.js';
import { isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import { messageOf } from '../../common/message-of.js';
import type { HandshakeRefusal } from './decide-handshake.js';

/**
 * Lets an upgrade go on when it has been decided about, or refuses it by HTTP. Nobody reads from the socket in the meantime,
 * and so nothing of what the client sends is lost.
 */
export function holdUpgrade(
  refusal: MaybePromise<HandshakeRefusal | undefined>,
  socket: Duplex,
  goOn: () => unknown,
): void {
  if (!isPromise(refusal)) return settleUpgrade(refusal, socket, goOn);
  // Node has taken its own listener away, and nobody else has one yet: an error would end the process.
  socket.on('error', ignore);
  const settle = (decided: HandshakeRefusal | undefined): void => {
    socket.off('error', ignore);
    if (!socket.destroyed) settleUpgrade(decided, socket, goOn);
  };
  refusal.then(settle).catch((error: unknown) => {
    log.error(`the upgrade of a connection has failed: ${messageOf(error)}`);
    socket.on('error', ignore).destroy();
  });
}

function settleUpgrade(refusal: HandshakeRefusal | undefined, socket: Duplex, goOn: () => unknown): void {
  if (refusal === undefined) goOn();
  else refuseUpgrade(socket, refusal);
}

/** What the client has sent behind its request is thrown away: it may be other requests. */
function refuseUpgrade(socket: Duplex, refusal: HandshakeRefusal): void {
  const { status, headers } = refusal;
  const body = bodyOf(refusal);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    ...Object.entries({ ...headers, ...headersOf(body) }).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.on('error', ignore).once('finish', () => socket.destroy());
  socket.resume().end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** The same for a request of socket.io's polling. */
export function holdRequest(
  refusal: MaybePromise<HandshakeRefusal | undefined>,
  response: ServerResponse,
  goOn: () => unknown,
): void {
  if (!isPromise(refusal)) return settleRequest(refusal, response, goOn);
  refusal
    // Of a client that is gone, engine.io would wait for the end.
    .then((decided) => (response.destroyed ? undefined : settleRequest(decided, response, goOn)))
    .catch((error: unknown) => {
      log.error(`a request of socket.io has failed: ${messageOf(error)}`);
      response.destroy();
    });
}

function settleRequest(
  refusal: HandshakeRefusal | undefined,
  response: ServerResponse,
  goOn: () => unknown,
): void {
  if (refusal === undefined) {
    goOn();
    return;
  }
  const body = bodyOf(refusal);
  response.writeHead(refusal.status, { ...refusal.headers, ...headersOf(body) }).end(body);
}

/** In the shape of Nest's own errors. */
function bodyOf({ status, error, message }: HandshakeRefusal): string {
  return JSON.stringify({ statusCode: status, error, message });
}

function headersOf(body: string): Readonly<Record<string, string>> {
  return {
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  };
}

function ignore(): void {
  return undefined;
}
