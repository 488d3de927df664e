import { createRequire } from 'node:module';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { mutualTls } from 'nestjs-cert-bound-auth';
import { PEERS } from '../paths.js';
import { ANSWER, PATH, type ServerSettings } from './server-settings.js';

/** Express as it is used here; it and the peers are installed for the benchmark alone, so there are no types. */
type ExpressApp = RequestListener & {
  use(middleware: Middleware): void;
  get(path: string, handler: (request: object, response: { json(body: object): void }) => void): void;
};

/** A middleware of Express. */
export type Middleware = (...args: never[]) => unknown;

/** Loads a package of the peers. */
export const requirePeer = createRequire(join(PEERS, 'package.json'));

/** Starts an Express 5 app with mutual TLS on a free port, behind these middlewares. */
export async function startExpress(
  { tls }: ServerSettings,
  middlewares: readonly Middleware[] = [],
): Promise<Server> {
  const app = (requirePeer('express') as () => ExpressApp)();
  for (const middleware of middlewares) app.use(middleware);
  app.get(PATH, (_, response) => response.json(ANSWER));
  const server = createServer(mutualTls(tls), app);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}
