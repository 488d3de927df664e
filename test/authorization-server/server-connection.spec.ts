import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Client } from 'undici';
import { describe, expect, test } from 'vitest';
import type { HttpAnswer, HttpCall } from '../../lib/authorization-server/http-call.js';
import { ServerConnection } from '../../lib/authorization-server/server-connection.js';
import { whenOver } from '../support/world.js';

/** What a server does with a request: the how-manieth on its connection it is, the connection, the request. */
type Behaviour = (socket: Socket, nth: number, request: string) => void;

interface TestServer {
  readonly url: URL;
  /** Each request as text, by the number of its connection. */
  readonly received: { readonly connection: number; readonly request: string }[];
}

/** Reads requests off bare connections; each comes in one piece. */
async function startServer(behave: Behaviour): Promise<TestServer> {
  const received: TestServer['received'] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const connection = sockets.add(socket).size;
    let nth = 0;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      received.push({ connection, request: data.toString() });
      behave(socket, ++nth, data.toString());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  whenOver(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`), received };
}

function connectionTo({ url }: TestServer): ServerConnection {
  const connection = new ServerConnection(url.origin, new Client(url.origin), LIMIT);
  whenOver(async () => connection.close());
  return connection;
}

const CALL: HttpCall = {
  purpose: 'introspection',
  method: 'POST',
  headers: { 'x-api': 'a' },
  body: 'token=abc',
};
/** Bytes. */
const LIMIT = 1_000;
/** A limit that is not met. */
const never = (): AbortSignal => new AbortController().signal;
const answer = (socket: Socket): void => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
const ANSWER: HttpAnswer = { status: 200, contentType: '', body: '{}', lifetime: undefined };

/** Keeps its promise once on each connection, and does this the second time. */
async function afterOneAnswer(fault: (socket: Socket) => void): Promise<TestServer> {
  return startServer((socket, nth) => (nth === 1 ? answer(socket) : fault(socket)));
}

describe('a connection to an authorization server', () => {
  test('a connection is kept for the next call', async () => {
    const server = await startServer(answer);
    const connection = connectionTo(server);
    for (let i = 0; i < 3; i++) expect(await connection.send(server.url, CALL, never())).toEqual(ANSWER);
    expect(server.received.map((request) => request.connection)).toEqual([1, 1, 1]);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['closed', (socket) => void socket.end()],
    ['reset', (socket) => socket.resetAndDestroy()],
  ])(
    'a call is sent once more on a new connection when the server has %s the kept one in the meantime',
    async (_, fault) => {
      const server = await afterOneAnswer(fault);
      const connection = connectionTo(server);
      await connection.send(server.url, CALL, never());
      expect(await connection.send(server.url, CALL, never())).toEqual(ANSWER);
      const { received } = server;
      expect(received.map((request) => request.connection)).toEqual([1, 1, 2]);
      expect(new Set(received.map(({ request }) => request)).size).toBe(1);
      expect(received[2]?.request).toMatch(/^POST \/introspect HTTP\/1\.1\r\n.*\r\n\r\ntoken=abc$/s);
    },
  );

  test('a connection with one answer too many is closed, so no call gets the answer to another', async () => {
    const server = await startServer((socket) => {
      if (server.received.length > 1) answer(socket);
      else
        socket.write(
          'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]',
        );
    });
    const connection = connectionTo(server);
    await connection.send(server.url, CALL, never()).catch(() => undefined);
    expect(await connection.send(server.url, CALL, never())).toEqual(ANSWER);
    expect(server.received.map((request) => request.connection)).toEqual([1, 2]);
  });

  test('a call is not sent again when something other than an answer comes on its connection', async () => {
    const server = await afterOneAnswer((socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    const connection = connectionTo(server);
    await connection.send(server.url, CALL, never());
    await expect(connection.send(server.url, CALL, never())).rejects.toThrow();
    expect(server.received).toHaveLength(2);
  });

  test('a connection that ends in the TLS handshake is not tried again', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.resetAndDestroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    whenOver(async () => void server.close());
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const connection = new ServerConnection(url.origin, new Client(url.origin), LIMIT);
    whenOver(async () => connection.close());
    await expect(connection.send(url, CALL, never())).rejects.toThrow();
    expect(connections).toBe(1);
  });

  test('a call is not tried a third time', async () => {
    let calls = 0;
    const server = await startServer((socket) => (++calls === 1 ? answer(socket) : socket.resetAndDestroy()));
    const connection = connectionTo(server);
    await connection.send(server.url, CALL, never());
    await expect(connection.send(server.url, CALL, never())).rejects.toThrow();
    expect(server.received).toHaveLength(3);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['closed', (socket) => void socket.end()],
    ['reset', (socket) => socket.resetAndDestroy()],
  ])('a call on a new connection that is %s is not sent again', async (_, fault) => {
    const server = await startServer(fault);
    await expect(connectionTo(server).send(server.url, CALL, never())).rejects.toThrow();
    expect(server.received).toHaveLength(1);
  });

  test('a connection that replaces one which ended properly counts as new as well', async () => {
    const server = await startServer((socket) => {
      if (server.received.length > 1) socket.resetAndDestroy();
      else socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}');
    });
    const connection = connectionTo(server);
    expect(await connection.send(server.url, CALL, never())).toEqual(ANSWER);
    await expect(connection.send(server.url, CALL, never())).rejects.toThrow();
    expect(server.received.map((request) => request.connection)).toEqual([1, 2]);
  });

  test('a connection that is ready only after the time is over is not used', async () => {
    const server = await startServer(answer);
    const late = AbortSignal.abort(new Error('late'));
    await expect(connectionTo(server).send(server.url, CALL, late)).rejects.toThrow('late');
    expect(server.received).toEqual([]);
  });

  test.each([
    'H',
    '220 mail',
    'HTTP/1.1 200 OK\r\ncontent-',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{',
  ])('a call is not sent again when its answer has begun with %j', async (begin) => {
    const server = await afterOneAnswer((socket) => void socket.end(begin));
    const connection = connectionTo(server);
    await connection.send(server.url, CALL, never());
    await expect(connection.send(server.url, CALL, never())).rejects.toThrow();
    expect(server.received).toHaveLength(2);
  });

  test('a call whose answer is late is not sent again, and no first call is sent on a new connection either', async () => {
    const server = await afterOneAnswer(() => undefined);
    const connection = connectionTo(server);
    await connection.send(server.url, CALL, never());
    await expect(connection.send(server.url, CALL, AbortSignal.timeout(50))).rejects.toThrow(
      expect.objectContaining({ name: 'TimeoutError' }),
    );
    expect(await connection.send(server.url, CALL, never())).toEqual(ANSWER);
    expect(server.received.map((request) => request.connection)).toEqual([1, 1, expect.any(Number)]);
  });

  test('a call that is repeated has no more time than before', async () => {
    const server = await startServer((socket, nth) => {
      if (nth === 2) socket.resetAndDestroy();
      else if (server.received.length === 1) answer(socket);
    });
    const connection = connectionTo(server);
    await connection.send(server.url, CALL, never());
    const begun = performance.now();
    await expect(connection.send(server.url, CALL, AbortSignal.timeout(200))).rejects.toThrow(
      expect.objectContaining({ name: 'TimeoutError' }),
    );
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(server.received.map((request) => request.connection)).toEqual([1, 1, 2]);
  });
});
