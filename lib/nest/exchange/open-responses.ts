import type { ServerResponse } from 'node:http';
import type { Connection } from '../../client-certificate/client-certificate.js';
import type { TokenEnd } from './token-end.js';

/** How often it is looked whether something has to end, in milliseconds. */
const PERIOD_MS = 1_000;

/** Responses of one connection that may still be under way: it is kept on the connection, as long as that. */
const OPEN = Symbol('open responses');

interface OpenResponse {
  response: ServerResponse;
  end: TokenEnd;
  isRevoked: boolean;
}

interface OnConnection {
  responses: OpenResponse[];
}

interface WithOpenResponses {
  [OPEN]?: OnConnection;
}

/**
 * The responses that may outlive the tokens which they were accepted with: events, streams, whatever a handler writes by
 * itself. They end within a second after their token, or after it has been found to be revoked. Nothing is scheduled for each
 * request: a response takes the place of the one before it on the same connection.
 */
export class OpenResponses {
  /** Not the connections: that of HTTP/2 throws from when its session is over until it is closed, which may be the client's choice. */
  private readonly connections = new Set<OnConnection>();
  /** Digests of tokens that have been revoked since it was last looked. */
  private readonly lately = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  /** @param end of the token that the response was accepted with */
  keep(connection: Connection & WithOpenResponses, response: ServerResponse, end: TokenEnd): void {
    const { responses: open } = connection[OPEN] ?? this.watch(connection);
    const last = open[open.length - 1];
    if (last?.response.writableFinished !== true) {
      open.push({ response, end, isRevoked: false });
      return;
    }
    last.response = response;
    last.end = end;
    last.isRevoked = false;
  }

  /** A token is good no longer. @param digest SHA-256 of it, base64url */
  revoked(digest: string): void {
    if (this.connections.size > 0) this.lately.add(digest);
  }

  /** Ends what is still under way past the end of its token. @param now milliseconds since the epoch */
  endExpired(now: number): void {
    for (const connection of this.connections) {
      connection.responses = connection.responses.filter((entry) => this.goesOn(entry, now));
    }
    this.lately.clear();
  }

  private goesOn(entry: OpenResponse, now: number): boolean {
    const { response, end } = entry;
    if (isOver(response)) return false;
    entry.isRevoked ||= (end.digest !== undefined && this.lately.has(end.digest)) || end.isRevoked();
    return !((entry.isRevoked || now >= end.validUntil) && ended(response));
  }

  /** Looks no longer. */
  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.connections.clear();
    this.lately.clear();
  }

  private watch(connection: Connection & WithOpenResponses): OnConnection {
    const open: OnConnection = { responses: [] };
    connection[OPEN] = open;
    this.connections.add(open);
    connection.once?.('close', () => this.connections.delete(open));
    // It keeps no process alive.
    this.timer ??= setInterval(() => this.endExpired(Date.now()), PERIOD_MS).unref();
    return open;
  }
}

/** Whether all of it has been written: what is left is for the network. */
function isOver(response: ServerResponse): boolean {
  return response.writableEnded || response.destroyed;
}

/**
 * Ends a response whose token is good no longer. A stream of events ends as such; anything else is broken off, for an end would
 * look as if it were whole.
 * @returns `false` where it is to go on: nothing of it has been sent yet, so it may be no stream
 */
function ended(response: ServerResponse): boolean {
  if (!response.headersSent) return false;
  // Of a length that the client knows, it ends by itself, and it was begun in time.
  if (sentHeader(response, 'content-length') !== undefined) return true;
  if (sentHeader(response, 'content-type')?.startsWith('text/event-stream') === true) endEvents(response);
  else response.destroy();
  return true;
}

/** What is given to `writeHead` alone, Node keeps nowhere but in the text that it has sent. */
function sentHeader(response: ServerResponse, name: string): string | undefined {
  const value = response.getHeader(name);
  if (value !== undefined) return String(value);
  const { _header: head } = response as { readonly _header?: unknown };
  return new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(typeof head === 'string' ? head : '')?.[1];
}

/** Until its source learns that the response has closed, it goes on writing: an error that nobody listens to. */
function endEvents(response: ServerResponse): void {
  response.end();
  response.write = () => true;
}
