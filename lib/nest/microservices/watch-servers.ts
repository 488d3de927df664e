import type { ModulesContainer } from '@nestjs/core';
import { log } from '../../common/log.js';
import { answerOf } from './answer.js';
import { filterListings } from './mcp-listing.js';
import type { GrpcInterceptor } from './grpc-api.js';
import { grpcCallOf, grpcDoor } from './grpc-door.js';
import { type GrpcPackageServer, requireInterceptors } from './grpc-package.js';
import type { MessageApp } from './message-app.js';
import { type MessageCall, noteCall } from './message-call.js';

/** What Nest calls for a message: `MessageHandler` of `@nestjs/microservices`. */
interface MessageHandler {
  (...args: readonly unknown[]): unknown;
  /** The next handler of the same event. */
  next?: MessageHandler | undefined;
}

/** What is used of a server of `@nestjs/microservices`. */
interface MessageServer {
  addHandler(pattern: unknown, handler: MessageHandler, isEventHandler?: boolean, extras?: unknown): unknown;
}

/** What is used of `ServerGrpc` beside that. */
interface GrpcServer extends MessageServer {
  options: GrpcOptions;
  createClient(): Promise<GrpcPackageServer>;
  createService(service: GrpcService, name: string): Promise<object>;
}

interface GrpcOptions {
  readonly channelOptions?: { readonly interceptors?: readonly GrpcInterceptor[] };
}

interface GrpcService {
  readonly prototype: Readonly<Record<string, { readonly path?: string }>>;
}

/** The modules of an app as they are since Nest 11.1.4. */
export type WithServers = Pick<ModulesContainer, 'getRpcTargetRegistry'>;

/** Whether this version of Nest tells of the servers that an app makes. */
export function tellsOfServers(modules: Partial<WithServers>): modules is WithServers {
  return typeof modules.getRpcTargetRegistry === 'function';
}

/** Notes from now on of each call of a message handler which app it came to: an app's servers are told before they listen. */
export function watchServers(modules: Partial<WithServers>, app: MessageApp): void {
  if (!tellsOfServers(modules)) return;
  modules.getRpcTargetRegistry().subscribe((server: unknown) => {
    if (isServer(server)) watch(server, app);
  });
}

function isServer(server: unknown): server is MessageServer {
  return typeof (server as Partial<MessageServer> | null)?.addHandler === 'function';
}

function isGrpc(server: MessageServer): server is GrpcServer {
  const { createService, options } = server as Partial<GrpcServer>;
  return typeof createService === 'function' && typeof options === 'object';
}

/** Whose server is whose: two apps that share one could not be told apart. */
const owners = new WeakMap<MessageServer, MessageApp>();

function watch(server: MessageServer, app: MessageApp): void {
  const owner = owners.get(server);
  if (owner === app) return;
  if (owner !== undefined) {
    log.error(
      'two apps share one server of @nestjs/microservices: its messages are refused, give each its own',
    );
  }
  owners.set(server, app);
  if (isGrpc(server)) watchGrpc(server, app);
  else watchTransport(server, app);
}

function watchTransport(server: MessageServer, app: MessageApp): void {
  if (app.protectsAll && app.settings.findCredentials === undefined) {
    const name = server.constructor.name;
    log.warn(
      `${name}: its messages are refused where their handler is not @Public(), unless a request of HTTP brings them: see messages.findCredentials`,
    );
  }
  filterListings(server, app);
  noteCalls(server, (args) => {
    // Behind the request of a handler that is made for one request Nest repeats what is in it.
    const context = args.at(-1);
    if (args.length < 2 || typeof context !== 'object' || context === null) return undefined;
    const call: MessageCall = {
      kind: 'message',
      app,
      context,
      data: args.at(-2),
      exchange: undefined,
      refusal: undefined,
      tokenEnd: undefined,
    };
    noteCall(context, call);
    return call;
  });
}

function watchGrpc(server: GrpcServer, app: MessageApp): void {
  const handled = new Set<string>();
  const { channelOptions } = server.options;
  const interceptors = [grpcDoor(app, handled), ...(channelOptions?.interceptors ?? [])];
  // Not into the object that the app has given: it may give the same one to several servers.
  server.options = { ...server.options, channelOptions: { ...channelOptions, interceptors } };
  const createClient = server.createClient.bind(server);
  server.createClient = async () => {
    const made = await createClient();
    requireInterceptors(made);
    return made;
  };
  const createService = server.createService.bind(server);
  server.createService = async (service, name) => {
    const handlers = await createService(service, name);
    for (const method of Object.keys(handlers)) {
      const path = service.prototype[method]?.path;
      if (path !== undefined) handled.add(path);
    }
    return handlers;
  };
  noteCalls(server, (args) => {
    const stream = (args[2] ?? args[0]) as { readonly metadata?: object };
    const call = stream.metadata === undefined ? undefined : grpcCallOf(stream.metadata);
    if (call !== undefined) noteCall(stream, call);
    return call;
  });
}

/** Puts itself between a server and the handlers that Nest adds to it. */
function noteCalls(server: MessageServer, note: (args: readonly unknown[]) => MessageCall | undefined): void {
  const addHandler = server.addHandler.bind(server);
  server.addHandler = (pattern, handler, isEventHandler, extras) =>
    addHandler(pattern, watched(handler, note, isEventHandler === true), isEventHandler, extras);
}

const ORIGINAL = Symbol('handler as Nest made it');

interface Watched extends MessageHandler {
  [ORIGINAL]?: MessageHandler;
}

function watched(
  handler: MessageHandler,
  note: (args: readonly unknown[]) => MessageCall | undefined,
  isEvent: boolean,
): MessageHandler {
  const noting: Watched = async (...args) => {
    const call = note(args);
    return answerOf(await handler(...args), { call, args, isEvent });
  };
  noting[ORIGINAL] = handler;
  let next: Watched | undefined;
  // Nest's own handler calls the next one: of the same event, which has been noted already.
  Object.defineProperty(noting, 'next', {
    get: () => next,
    set: (following: Watched | undefined) => {
      next = following;
      handler.next = following?.[ORIGINAL] ?? following;
    },
  });
  return noting;
}
