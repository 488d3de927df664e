import type { HttpServer } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { andThen } from '../../common/maybe-promise.js';
import { CertBoundAuthConfigurationError, problem } from '../../options/configuration-error.js';
import type { NodeRequest } from '../../request/http-request.js';
import { type AnswerNet, answerNet } from './answer-net.js';
import { admit, type HttpDoor, type ServedBehindDoor, type ServedPath } from './http-door.js';
import { HttpExchange } from './http-exchange.js';
import { runsHandlerOfNest } from './nest-routes.js';

/** What is used of an app of Express 5. */
interface ExpressApp {
  readonly router?: Router;
  readonly response: ServerResponse;
  handle(request: NodeRequest, response: ServerResponse, done?: unknown): unknown;
}

interface Router {
  readonly stack: readonly Layer[];
}

type Handle = (this: unknown, request: NodeRequest, response: ServerResponse, next: unknown) => unknown;

interface Layer {
  handle: Handle;
  /** Whether it holds for every path. */
  readonly slash?: boolean;
  readonly rawPath?: unknown;
  readonly route?: {
    readonly path: unknown;
    readonly methods: Readonly<Record<string, boolean>>;
    readonly stack: readonly { readonly handle: object }[];
  };
}

/** What an adapter of Nest registers of its own: of that Nest's guards decide, or it answers nothing. */
interface Adapter {
  createMiddlewareFactory(method: unknown): MiddlewareFactory | Promise<MiddlewareFactory>;
  setNotFoundHandler(handler: Handle, ...others: readonly unknown[]): unknown;
  setErrorHandler(...args: readonly unknown[]): unknown;
}

type MiddlewareFactory = (path: string, callback: Handle) => unknown;

/** Middleware that Nest runs for the app: it comes before the guards, as everywhere. */
const middlewares = new WeakSet<object>();

/** Layers that have been looked at. */
const known = new WeakSet<Layer>();

/** Those that the door stands in front of. */
const heldLayers = new WeakSet<Layer>();

/**
 * Parsers of bodies answer nothing by themselves, and a public route may need the one on its path. CORS answers preflights,
 * which have no credentials.
 */
const HARMLESS = new Set(['jsonParser', 'urlencodedParser', 'rawParser', 'textParser', 'corsMiddleware']);

/**
 * Puts the door in front of whatever Express serves: routes that are no handlers of Nest, and what is mounted at a path.
 * It is looked for whenever there is more of it, for an app may mount at any time.
 */
export function closeExpress(adapter: HttpServer, door: HttpDoor): ServedBehindDoor {
  const app = adapter.getInstance() as ExpressApp;
  if (!Array.isArray(app.router?.stack)) throw unknownRouter(app);
  noteOwn(app, adapter as unknown as Adapter, door);
  const below = Object.getPrototypeOf(app.response) as AnswerNet;
  Object.assign(
    app.response,
    answerNet(door, () => below),
  );
  const handle = app.handle.bind(app);
  let seen = 0;
  app.handle = (request, response, done) => {
    const { stack } = app.router as Router;
    if (stack.length !== seen) {
      guard(stack, door);
      seen = stack.length;
    }
    return handle(request, response, done);
  };
  return () => servedBy((app.router as Router).stack);
}

function servedBy(stack: readonly Layer[]): readonly ServedPath[] {
  return stack.flatMap((layer) => {
    const { route, handle, rawPath } = layer;
    if (route === undefined && isRouter(handle) && layer.slash === true) return servedBy(handle.stack);
    if (!heldLayers.has(layer) && (known.has(layer) || !isHeld(layer))) return [];
    const path = shown(route?.path ?? rawPath);
    const methods = route === undefined ? [undefined] : methodsOf(route);
    return methods.map((method) => ({ method, path }));
  });
}

/** A pattern may be an expression, or a list. */
function shown(path: unknown): string {
  if (Array.isArray(path)) return path.map((each) => shown(each)).join(', ');
  if (path instanceof RegExp) return path.source;
  return typeof path === 'string' ? path : 'a path';
}

function methodsOf({ methods }: NonNullable<Layer['route']>): readonly (string | undefined)[] {
  const names = Object.keys(methods).filter((name) => name !== '_all');
  return names.length === 0 || names.length > 20 ? [undefined] : names.map((name) => name.toUpperCase());
}

function unknownRouter(app: object): CertBoundAuthConfigurationError {
  const remedy =
    'its router is not known, so what else it serves could not be protected: use Express 5 or Fastify';
  return new CertBoundAuthConfigurationError([problem('httpAdapter', app, remedy)]);
}

function noteOwn(app: ExpressApp, adapter: Adapter, door: HttpDoor): void {
  const createMiddlewareFactory = adapter.createMiddlewareFactory.bind(adapter);
  adapter.createMiddlewareFactory = (method) =>
    andThen(createMiddlewareFactory(method), (register) => (path: string, callback: Handle) => {
      middlewares.add(callback);
      return register(path, callback);
    });
  const setNotFoundHandler = adapter.setNotFoundHandler.bind(adapter);
  adapter.setNotFoundHandler = (handler, ...others) =>
    asOwn(app, () => setNotFoundHandler(behindDoor(handler, door), ...others));
  const setErrorHandler = adapter.setErrorHandler.bind(adapter);
  adapter.setErrorHandler = (...args) => asOwn(app, () => setErrorHandler(...args));
}

/** What is registered meanwhile is Nest's own, and seen to. */
function asOwn(app: ExpressApp, register: () => unknown): unknown {
  const { stack } = app.router as Router;
  const before = new Set(stack);
  const registered = register();
  for (const layer of stack) if (!before.has(layer)) known.add(layer);
  return registered;
}

function guard(stack: readonly Layer[], door: HttpDoor): void {
  for (const layer of stack) {
    if (known.has(layer)) continue;
    known.add(layer);
    if (isHeld(layer)) {
      heldLayers.add(layer);
      layer.handle = behindDoor(layer.handle, door);
    } else if (layer.slash === true && isRouter(layer.handle)) layer.handle = lookedInto(layer.handle, door);
  }
}

/** What comes without a path lets most requests pass: of that, no answer leaves undecided. */
function isHeld({ handle, route, slash }: Layer): boolean {
  // A route may get its handlers later.
  if (route !== undefined)
    return route.stack.length === 0 || !route.stack.every((each) => isOfNest(each.handle));
  return slash !== true && handle.length < 4 && !middlewares.has(handle) && !HARMLESS.has(handle.name);
}

function isOfNest(handle: object): boolean {
  return middlewares.has(handle) || runsHandlerOfNest(handle);
}

function isRouter(handle: Handle): handle is Handle & Router {
  return Array.isArray((handle as Partial<Router>).stack);
}

function behindDoor(handle: Handle, door: HttpDoor): Handle {
  return function (request, response, next) {
    return andThen(admit(door, new HttpExchange(request, response)), (isAdmitted) =>
      isAdmitted ? handle.call(this, request, response, next) : undefined,
    );
  };
}

function lookedInto(router: Handle & Router, door: HttpDoor): Handle & Router {
  const looking: Handle = function (request, response, next) {
    guard(router.stack, door);
    return router.call(this, request, response, next);
  };
  return Object.assign(looking, { stack: router.stack });
}
