import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { type Agent, request as requestHttps } from 'node:https';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { AUDIENCE } from '../../support/world.js';

/** Names and values as they are sent: a name may repeat, in any spelling. */
export type SentHeaders = readonly (readonly [name: string, value: string])[];

/** Who calls whom. */
export interface Caller {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** The CA of the server's certificate. */
  readonly ca: string;
  /** Proved in the handshake. @default none */
  readonly certificate?: Pick<TestCertificate, 'key' | 'cert'> | undefined;
  /** Keeps connections, or sessions for new ones. @default a connection of its own */
  readonly agent?: Agent;
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of JSON; anything else is `undefined`. */
  readonly body: unknown;
  /** Whether the session was resumed, without a full handshake. */
  readonly resumed: boolean;
}

/** The name that clients know the API by. */
const NAME = new URL(AUDIENCE).host;

/** Sends a GET to a server, by the name of the API. @throws Error when the handshake fails */
export async function get(caller: Caller, headers: SentHeaders): Promise<Answer> {
  const { port, agent = false } = caller;
  const outgoing = requestHttps({
    ...tlsOf(caller),
    host: '127.0.0.1',
    port,
    agent,
    headers: listed(headers),
  });
  outgoing.end();
  return answerOf(await responseTo(outgoing));
}

/** Sends a GET to an app itself, without TLS. @param from an address of this machine, or the path of a unix socket */
export async function getDirectly(
  where: { readonly port: number; readonly from: string } | { readonly socketPath: string },
  headers: SentHeaders,
): Promise<Answer> {
  const target =
    'from' in where ? { host: '127.0.0.1', port: where.port, localAddress: where.from } : { ...where };
  const outgoing = requestHttp({ ...target, agent: false, headers: listed(headers) });
  outgoing.end();
  return answerOf(await responseTo(outgoing));
}

/** Sends a GET whose headers are written by hand. @returns the status; `undefined` where none was answered */
export async function statusOfText(
  caller: Caller,
  lines: readonly string[],
  path = '/',
): Promise<number | undefined> {
  const socket = connect({ ...tlsOf(caller), host: '127.0.0.1', port: caller.port });
  try {
    await once(socket, 'secureConnect');
    socket.write(
      [`GET ${path} HTTP/1.1`, `Host: ${NAME}`, 'Connection: close', ...lines, '', ''].join('\r\n'),
    );
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(await textOf(socket)) ?? [];
    return status === undefined ? undefined : Number(status);
  } finally {
    socket.destroy();
  }
}

async function textOf(socket: TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
  return text;
}

/** How it makes a connection: by the name of the API. */
export function tlsOf({ ca, certificate }: Caller): ConnectionOptions {
  const own = certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert };
  return { ca, servername: NAME, ...own };
}

function listed(headers: SentHeaders): readonly string[] {
  return [['Host', NAME], ...headers].flat();
}

async function responseTo(outgoing: ReturnType<typeof requestHttp>): Promise<IncomingMessage> {
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = response;
  // Node takes the socket away in the end.
  const resumed = (response.socket as Partial<TLSSocket>).isSessionReused?.() === true;
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  const isJson = headers['content-type']?.startsWith('application/json') === true;
  return { status, headers, body: isJson ? JSON.parse(text) : undefined, resumed };
}
