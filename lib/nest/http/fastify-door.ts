import type { HttpServer } from '@nestjs/common';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { andThen, isPromise } from '../../common/maybe-promise.js';
import type { HttpRequest, NodeRequest } from '../../request/http-request.js';
import { type AnswerNet, answerNet } from './answer-net.js';
import { admit, type HttpDoor, type ServedBehindDoor, type ServedPath } from './http-door.js';
import { HttpExchange } from './http-exchange.js';
import { runsHandlerOfNest } from './nest-routes.js';
import type { FastifyReply } from './refuse.js';

type Done = (error?: unknown) => void;
type Hook = (request: FastifyRequest, reply: FastifyReply, done: Done) => void;

interface FastifyRequest extends HttpRequest {
  readonly raw: IncomingMessage;
  readonly is404: boolean;
  readonly routeOptions: { readonly config?: RouteConfig };
}

/** Whether a route has been looked at when it was registered. Fastify hands it on to the `HEAD` that belongs to a `GET`. */
const KNOWN = Symbol('cert-bound-auth: known route');

interface RouteConfig {
  readonly [KNOWN]?: true;
}

interface RouteOptions {
  readonly method: string | string[];
  readonly url: string;
  config?: RouteConfig;
  onRequest?: Hook | Hook[];
}

/** What is used of an app of Fastify. */
interface FastifyApp {
  readonly server: Server;
  addHook(name: 'onRoute', hook: (options: RouteOptions) => void): unknown;
  addHook(name: 'onRequest', hook: Hook): unknown;
  printRoutes(): string;
}

type Verb = (...args: readonly unknown[]) => unknown;
type Middleware = (request: NodeRequest, response: ServerResponse, next: Done) => unknown;
type NotFound = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** What an adapter of Nest registers by. */
interface Adapter {
  use(...args: readonly unknown[]): unknown;
  setNotFoundHandler(handler: NotFound, ...others: readonly unknown[]): unknown;
}

/** The methods of an adapter that register a route. */
const VERBS = [
  'get',
  'post',
  'head',
  'delete',
  'put',
  'patch',
  'options',
  'all',
  'search',
  'query',
  'propfind',
  'proppatch',
  'mkcol',
  'copy',
  'move',
  'lock',
  'unlock',
] as const;

/**
 * Puts the door in front of whatever Fastify serves: routes that are no handlers of Nest, and middleware at a path. It costs
 * the routes of Nest nothing, for it is put on the others alone.
 */
export function closeFastify(adapter: HttpServer, door: HttpDoor): ServedBehindDoor {
  const app = adapter.getInstance() as FastifyApp;
  const { isOfNest } = noteOwn(adapter as unknown as Adapter & Record<string, Verb>, door);
  const hook: Hook = (request, reply, done) => decide(door, request, reply, done);
  const served: ServedPath[] = [];
  if (!app.printRoutes().startsWith('(empty')) {
    holdEarlier(app, hook);
    served.push({ method: undefined, path: 'routes from before Nest' });
  }
  app.addHook('onRoute', (options) => {
    if (options.config?.[KNOWN] !== true && !isOfNest()) {
      for (const method of [options.method].flat()) served.push({ method, path: options.url });
      options.onRequest = [hook, ...[options.onRequest ?? []].flat()];
    }
    options.config = { ...options.config, [KNOWN]: true };
  });
  castNet(app, door);
  return () => served;
}

function decide(door: HttpDoor, request: FastifyRequest, reply: FastifyReply, done: Done): void {
  const admitted = admit(door, new HttpExchange(request, reply));
  if (isPromise(admitted)) void admitted.then((isAdmitted) => (isAdmitted ? done() : undefined));
  else if (admitted) done();
}

/** Routes that were there before Nest have been seen by nobody. */
function holdEarlier(app: FastifyApp, hook: Hook): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || request.routeOptions.config?.[KNOWN] === true) done();
    else hook(request, reply, done);
  });
}

/** Tells what Nest registers from what others do. */
function noteOwn(
  adapter: Adapter & Record<string, Verb>,
  door: HttpDoor,
): { readonly isOfNest: () => boolean } {
  let isOfNest = false;
  for (const verb of VERBS) {
    const register = adapter[verb]?.bind(adapter);
    if (register === undefined) continue;
    adapter[verb] = (...args) => {
      const outer = isOfNest;
      const handler = args.at(-1);
      isOfNest = typeof handler === 'function' && runsHandlerOfNest(handler);
      try {
        return register(...args);
      } finally {
        isOfNest = outer;
      }
    };
  }
  const use = adapter.use.bind(adapter);
  adapter.use = (...args) =>
    use(...(typeof args[0] === 'function' ? args : args.map((arg) => behind(arg, door))));
  const setNotFoundHandler = adapter.setNotFoundHandler.bind(adapter);
  adapter.setNotFoundHandler = (handler, ...others) =>
    setNotFoundHandler(
      async (request, reply) => {
        const isAdmitted = await admit(door, new HttpExchange(request, reply));
        return isAdmitted ? handler(request, reply) : reply;
      },
      ...others,
    );
  return { isOfNest: () => isOfNest };
}

/** Middleware at a path gets Node's own request and response. */
function behind(middleware: unknown, door: HttpDoor): unknown {
  if (typeof middleware !== 'function' || middleware.length > 3) return middleware;
  return (...[request, response, next]: Parameters<Middleware>): unknown =>
    andThen(admit(door, new HttpExchange(request, response)), (isAdmitted) =>
      isAdmitted ? (middleware as Middleware)(request, response, next) : undefined,
    );
}

type UnderNet = { -readonly [Name in keyof AnswerNet]: AnswerNet[Name] };

/** Middleware runs before the hooks; and a platform without a server brings its requests to the hooks alone. */
function castNet(app: FastifyApp, door: HttpDoor): void {
  const net = answerNet(door, (response) => Object.getPrototypeOf(response) as AnswerNet);
  const { server } = app;
  const emit = server.emit.bind(server) as (name: string | symbol, ...args: readonly unknown[]) => boolean;
  server.emit = (name: string | symbol, ...args: readonly unknown[]): boolean => {
    if (name === 'request') cast(net, args[1] as UnderNet);
    return emit(name, ...args);
  };
  app.addHook('onRequest', (_request, reply, done) => {
    cast(net, reply.raw as unknown as UnderNet);
    done();
  });
}

/** Once: what others have put in the place of a method since then stays. */
function cast({ writeHead, write, end, flushHeaders }: AnswerNet, response: UnderNet): void {
  if (response.flushHeaders === flushHeaders) return;
  // One by one, for `Object.assign` costs a request more.
  response.writeHead = writeHead;
  response.write = write;
  response.end = end;
  response.flushHeaders = flushHeaders;
}
