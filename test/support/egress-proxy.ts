import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { whenOver } from './world.js';

/** A proxy at the edge of a network, which makes tunnels. */
export interface EgressProxy {
  readonly url: string;
  /** The tunnels that it was asked for, with the credentials. */
  readonly tunnels: { readonly to: string; readonly credentials: string | undefined }[];
}

/**
 * Starts a proxy that ends with the test. It alone knows where the servers are that it is asked for.
 * @param port where every tunnel leads to on this machine, whatever its name
 * @param refuse what happens instead of a tunnel
 */
export async function startEgressProxy(
  port: number,
  refuse?: (socket: Socket) => void,
): Promise<EgressProxy> {
  const tunnels: EgressProxy['tunnels'] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((_, response) => response.writeHead(405).end()).listen(0, '127.0.0.1');
  proxy.on('connection', (socket) => sockets.add(socket));
  proxy.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket) => {
    tunnels.push({ to: url, credentials: headers['proxy-authorization'] });
    socket.on('error', () => undefined);
    if (refuse !== undefined) return refuse(socket);
    const server = connect(port, '127.0.0.1');
    sockets.add(server);
    server.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    server.pipe(socket).pipe(server);
  });
  await once(proxy, 'listening');
  whenOver(async () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, tunnels };
}
