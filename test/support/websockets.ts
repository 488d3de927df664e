import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { WebSocket } from 'ws';
import { type Platform, startApp, type StartAppOptions } from './platforms.js';
import { tlsOf, whenOver, type World } from './world.js';

/** What carries the messages of a gateway. */
export type Carrier = 'ws' | 'socket.io' | 'polling';
export const CARRIERS: readonly Carrier[] = ['ws', 'socket.io', 'polling'];

/** Options of {@link startGateways}. */
export interface StartGatewaysOptions extends StartAppOptions {
  readonly providers?: readonly object[];
}

/** Starts an app with these gateways, which ends with the test. */
export async function startGateways(
  world: World,
  platform: Platform,
  carrier: Carrier,
  auth: DynamicModule,
  gateways: readonly Type[],
  { configure, providers = [], ...options }: StartGatewaysOptions = {},
): Promise<INestApplication> {
  class App {}
  const module = { module: App, imports: [auth], providers: [...gateways, ...providers] };
  const app = await startApp(platform, module, tlsOf(world), {
    ...options,
    configure: (made) => {
      made.useWebSocketAdapter(carrier === 'ws' ? new WsAdapter(made) : new IoAdapter(made));
      configure?.(made);
    },
  });
  whenOver(async () => app.close());
  return app;
}

export function portOf(app: INestApplication): number {
  return ((app.getHttpServer() as { address(): unknown }).address() as AddressInfo).port;
}

/** How a client connects. */
export interface ConnectOptions {
  readonly port: number;
  readonly certificate?: TestCertificate;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** @default '/chat' */
  readonly path?: string;
  /** Of socket.io. @default the main one */
  readonly namespace?: string;
  /** @default TLS */
  readonly plain?: boolean;
}

/** How a handshake was refused. */
export interface Refused {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A client that is connected. */
export interface TestClient {
  readonly kind: 'connected';
  /** Sends a message, and waits for the answer, or for what the client is told of an error. */
  ask(event: string, data?: unknown): Promise<unknown>;
  /** All that has come and was no answer. */
  readonly told: unknown[];
  /** How the connection has ended; `undefined` as long as it lasts. */
  readonly ended: unknown;
  readonly protocol: string | undefined;
  close(): void;
}

/** A client that has not been let in. */
export interface RefusedClient {
  readonly kind: 'refused';
  readonly refused: Refused;
}

/** Connects by this carrier. */
export async function connectBy(
  carrier: Carrier,
  world: World,
  options: ConnectOptions,
): Promise<TestClient | RefusedClient> {
  return carrier === 'ws' ? connectWs(world, options) : connectIo(carrier, world, options);
}

/** @throws Error where it is refused */
export async function connected(connecting: Promise<TestClient | RefusedClient>): Promise<TestClient> {
  const client = await connecting;
  if (client.kind === 'connected') return client;
  throw new Error(`refused: ${JSON.stringify(client.refused)}`);
}

/** @throws Error where it is not refused */
export async function refused(connecting: Promise<TestClient | RefusedClient>): Promise<Refused> {
  const client = await connecting;
  if (client.kind === 'refused') return client.refused;
  throw new Error('it was let in');
}

function headersOf({ token, headers }: ConnectOptions): Record<string, string> {
  return { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers };
}

function tlsOfClient({ ca }: World, { certificate }: ConnectOptions): Record<string, string> {
  return certificate === undefined
    ? { ca: ca.cert }
    : { ca: ca.cert, key: certificate.key, cert: certificate.cert };
}

interface Envelope {
  readonly event: string;
  readonly data: unknown;
}

/** Connects with `ws`. */
export async function connectWs(world: World, options: ConnectOptions): Promise<TestClient | RefusedClient> {
  const { port, path = '/chat', protocols = [], plain = false } = options;
  const socket = new WebSocket(`${plain ? 'ws' : 'wss'}://localhost:${port}${path}`, [...protocols], {
    ...tlsOfClient(world, options),
    headers: headersOf(options),
  });
  whenOver(async () => socket.terminate());
  const answer = await new Promise<IncomingMessage | undefined>((resolve, reject) => {
    socket.once('open', () => resolve(undefined));
    socket.once('unexpected-response', (_request, response) => resolve(response));
    socket.once('error', reject);
  });
  if (answer !== undefined) {
    const body = await text(answer);
    return { kind: 'refused', refused: { status: answer.statusCode ?? 0, headers: answer.headers, body } };
  }
  return wsClient(socket);
}

function wsClient(socket: WebSocket): TestClient {
  const told: unknown[] = [];
  const waiting: ((answer: unknown) => void)[] = [];
  let ended: unknown;
  socket.on('error', () => undefined);
  socket.on('message', (data: Buffer) => {
    const { event, data: payload } = JSON.parse(data.toString()) as Envelope;
    const answer = event === 'exception' ? { exception: payload } : payload;
    const waiter = waiting.shift();
    if (waiter === undefined) told.push(answer);
    else waiter(answer);
  });
  socket.on('close', (code, reason) => {
    ended = { code, reason: reason.toString() };
    for (const waiter of waiting.splice(0)) waiter({ ended });
  });
  return {
    kind: 'connected',
    told,
    protocol: socket.protocol,
    get ended() {
      return ended;
    },
    ask: async (event, data = {}) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        socket.send(JSON.stringify({ event, data }));
      }),
    close: () => socket.close(),
  };
}

/** What socket.io-client says of a failed connection. */
interface ConnectError extends Error {
  readonly description?: unknown;
  readonly context?: { readonly responseText?: string };
  readonly data?: unknown;
}

/** Connects with socket.io-client. */
export async function connectIo(
  carrier: Carrier,
  world: World,
  options: ConnectOptions,
  more: Partial<ManagerOptions & SocketOptions> = {},
): Promise<TestClient | RefusedClient> {
  const { port, path = '/chat', namespace = '', plain = false } = options;
  const socket = io(`${plain ? 'http' : 'https'}://localhost:${port}${namespace}`, {
    path,
    ...tlsOfClient(world, options),
    extraHeaders: headersOf(options),
    transports: [carrier === 'polling' ? 'polling' : 'websocket'],
    forceNew: true,
    reconnection: false,
    ...more,
  });
  whenOver(async () => socket.disconnect());
  const error = await new Promise<ConnectError | undefined>((resolve) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('connect_error', resolve);
  });
  if (error !== undefined) return { kind: 'refused', refused: refusalIn(error) };
  return ioClient(socket);
}

function refusalIn(error: ConnectError): Refused {
  const { description, context, data } = error;
  if (data !== undefined) return { status: 0, headers: {}, body: JSON.stringify(data) };
  const status =
    typeof description === 'number' ? description : Number(/\d{3}/.exec(messageIn(description))?.[0] ?? 0);
  return { status, headers: {}, body: context?.responseText ?? '' };
}

function messageIn(description: unknown): string {
  return (description as { readonly message?: string } | undefined)?.message ?? '';
}

function ioClient(socket: Socket): TestClient {
  const told: unknown[] = [];
  let ended: unknown;
  let waiter: ((answer: unknown) => void) | undefined;
  socket.on('exception', (exception: unknown) => {
    if (waiter === undefined) told.push({ exception });
    else waiter({ exception });
  });
  socket.on('disconnect', (reason) => {
    ended = reason;
    waiter?.({ ended });
  });
  return {
    kind: 'connected',
    told,
    protocol: undefined,
    get ended() {
      return ended;
    },
    ask: async (event, data = {}) => {
      const answer = await new Promise((resolve) => {
        waiter = resolve;
        socket.emit(event, data, resolve);
      });
      waiter = undefined;
      return answer;
    },
    close: () => socket.disconnect(),
  };
}

/** What a server has answered to bytes, until it closed the connection or said nothing more for a while. */
export interface RawAnswer {
  readonly text: string;
  /** The statuses of the responses in it. */
  readonly statuses: readonly number[];
}

/** Sends these lines, each ended, and an empty one behind them; then what is to come right behind. */
export async function sendRaw(
  { ca }: World,
  port: number,
  lines: readonly string[],
  { certificate, behind = '' }: { readonly certificate?: TestCertificate; readonly behind?: string } = {},
): Promise<RawAnswer> {
  const own = certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert };
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca: ca.cert, ...own });
  whenOver(async () => socket.destroy());
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk;
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  socket.write(`${[...lines, ''].map((line) => `${line}\r\n`).join('')}${behind}`, 'latin1');
  await Promise.race([closed, quiet(() => received)]);
  const statuses = [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  return { text: received, statuses };
}

/** Waits until something has come, and then nothing more. */
async function quiet(received: () => string): Promise<void> {
  for (let last = ''; last === '' || last !== received();) {
    last = received();
    await wait(150);
  }
}

/** The lines of a handshake of WebSocket. */
export function handshakeLines(
  target: string,
  { token, ...headers }: Readonly<Record<string, string>> = {},
): readonly string[] {
  const all = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...headers,
  };
  return [`GET ${target} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)];
}
