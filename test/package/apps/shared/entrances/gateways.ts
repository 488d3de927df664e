import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AccessToken } from 'nestjs-cert-bound-auth';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { answerFor, type Caller, type Row } from './row.js';
import { type Adapter, portOf, startApp } from './start.js';

export type Carrier = 'ws' | 'socket.io';

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @SubscribeMessage('hello') hello(@AccessToken('clientId') client: string): object {
    return { event: 'hello', data: answerFor(client) };
  }
}

export function gatewaysOn(adapter: Adapter, carrier: Carrier): Row {
  return {
    async start(world) {
      const app = await startApp(adapter, world, { providers: [ChatGateway] }, (made) =>
        made.useWebSocketAdapter(carrier === 'ws' ? new WsAdapter(made) : new IoAdapter(made)),
      );
      const say = carrier === 'ws' ? sayByWs : sayByIo;
      return { call: async (caller) => say(portOf(app), caller), close: async () => app.close() };
    },
  };
}

function optionsOf({ ca, certificate: { key, cert }, token }: Caller): {
  ca: string;
  key: string;
  cert: string;
  headers: Record<string, string>;
} {
  return { ca, key, cert, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } };
}

async function sayByWs(port: number, caller: Caller): Promise<unknown> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}/chat`, optionsOf(caller));
  const outcome = await new Promise((resolve, reject) => {
    socket
      .once('open', () => socket.send(JSON.stringify({ event: 'hello' })))
      .once('message', (data: Buffer) =>
        resolve((JSON.parse(data.toString()) as { readonly data: unknown }).data),
      )
      .once('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
      .once('error', reject);
  });
  socket.on('error', () => undefined).terminate();
  return outcome;
}

async function sayByIo(port: number, caller: Caller): Promise<unknown> {
  const { headers, ...tls } = optionsOf(caller);
  const socket = io(`https://127.0.0.1:${port}`, {
    path: '/chat',
    ...tls,
    extraHeaders: headers,
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
  });
  const outcome = await new Promise((resolve) => {
    socket
      .once('connect', () => socket.emit('hello', {}))
      .once('hello', resolve)
      .once('connect_error', (error) => resolve(statusIn(error)));
  });
  socket.disconnect();
  return outcome;
}

/** The client knows the status as a part of a text. */
function statusIn(error: Error): number | string {
  const { description } = error as { readonly description?: { readonly message?: string } };
  const status = /\d{3}/.exec(description?.message ?? '')?.[0];
  return status === undefined ? error.message : Number(status);
}
