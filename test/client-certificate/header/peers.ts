import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, request, RequestOptions } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo, ListenOptions, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whenOver } from '../../support/world.js';

/** Handles a request of any server: it is shown to somebody, and answered. */
export function shownTo(
  look: (raw: IncomingMessage) => void,
): (raw: unknown, response: { end(): void }) => void {
  return (raw, response) => {
    look(raw as IncomingMessage);
    response.end();
  };
}

/** Listens until the test is over. @returns the port; 0 on a unix socket */
export async function listen(server: Server, options: ListenOptions): Promise<number> {
  server.listen(options.path === undefined ? { port: 0, ...options } : options);
  await once(server, 'listening');
  whenOver(async () => new Promise((resolve) => server.close(resolve)));
  const address = server.address() as AddressInfo | string;
  return typeof address === 'string' ? 0 : address.port;
}

/** A path that a unix socket can have until the test is over. */
export async function socketPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trusted-proxies-'));
  whenOver(async () => rm(folder, { recursive: true }));
  return join(folder, 'api.sock');
}

/** Sends a request of HTTP/1.1, by default on a connection of its own. */
export async function get(send: typeof request, options: RequestOptions): Promise<void> {
  const sent = send({ agent: false, ...options }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
}

/** Sends requests of HTTP/2, one after the other on one connection. */
export async function getByHttp2(origin: string, options: object, times = 1): Promise<void> {
  const session = connectHttp2(origin, options);
  for (let turn = 0; turn < times; turn += 1) {
    await once(session.request({ ':path': '/' }).resume().end(), 'end');
  }
  session.close();
}
