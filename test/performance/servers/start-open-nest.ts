import type { Server } from 'node:https';
import { OpenPaymentsController } from './payments.controller.js';
import type { ServerSettings } from './server-settings.js';
import { startNest } from './start-nest.js';

/** Nest without any protection: what the others are compared with. */
export async function startOpenNest(settings: ServerSettings): Promise<Server> {
  class App {}
  return startNest(settings, { module: App, controllers: [OpenPaymentsController] });
}
