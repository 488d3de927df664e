import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import { ANSWER, GATEWAY_PATH, type ServerSettings } from './server-settings.js';
import { authOf } from './start-library.js';
import { startNest } from './start-nest.js';

@WebSocketGateway({ path: GATEWAY_PATH })
class PaymentsGateway {
  @SubscribeMessage('list') list(): object {
    return { event: 'list', data: ANSWER };
  }
}

/** A gateway of ws, with this library or open. @returns its port */
export async function startGateway(settings: ServerSettings): Promise<number> {
  class App {}
  const module = { module: App, imports: authOf(settings), providers: [PaymentsGateway] };
  const server = await startNest(settings, module, (app) => app.useWebSocketAdapter(new WsAdapter(app)));
  return (server.address() as AddressInfo).port;
}
