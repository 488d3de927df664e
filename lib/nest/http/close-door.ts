import type { HttpServer } from '@nestjs/common';
import type { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { closeExpress } from './express-door.js';
import { closeFastify } from './fastify-door.js';
import type { HttpDoor, ServedBehindDoor } from './http-door.js';
import { markRoutes } from './nest-routes.js';
import { whenAdapter } from './when-adapter.js';

/** Puts the door in front of what the HTTP adapter of an app serves, as soon as it is known, and before Nest's own routes. */
export function closeDoor(
  host: HttpAdapterHost,
  modules: ModulesContainer,
  door: HttpDoor,
): ServedBehindDoor {
  let served: ServedBehindDoor | undefined;
  whenAdapter(host, (adapter) => {
    beforeRoutes(adapter, () => markRoutes(modules));
    served = adapter.getType() === 'fastify' ? closeFastify(adapter, door) : closeExpress(adapter, door);
  });
  return () => served?.() ?? [];
}

/** Nest initialises an adapter when all of an app has been made, and before it registers the routes. */
function beforeRoutes(adapter: HttpServer, act: () => void): void {
  const initialised = adapter as { init?: () => Promise<void> };
  const init = initialised.init?.bind(adapter);
  initialised.init = async () => {
    act();
    await init?.();
  };
}
