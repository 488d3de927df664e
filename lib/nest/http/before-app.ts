import type { HttpServer } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { Server, ServerResponse } from 'node:http';
import type { NodeRequest } from '../../request/http-request.js';
import { noteDecidedElsewhere } from '../exchange/request-record.js';
import { whenAdapter } from './when-adapter.js';

/** Looks at each request before anything of the app does. @returns whether it has answered the request, or will */
export type BeforeApp = (request: NodeRequest, response: ServerResponse) => boolean;

/**
 * Lets these look at each request, in their order, before anything of the app is asked: no prefix, version, guard, middleware or
 * CORS setting of it has a say in what they answer.
 */
export function beforeApp(host: HttpAdapterHost, steps: readonly BeforeApp[]): void {
  if (steps.length === 0) return;
  const isAnswered: BeforeApp = (request, response) => {
    if (!steps.some((step) => step(request, response))) return false;
    // The net below the door need not hold it back.
    noteDecidedElsewhere(request);
    return true;
  };
  whenAdapter(host, (adapter) => {
    if (adapter.getType() === 'fastify') beforeFastify(adapter, isAnswered);
    else beforeExpress(adapter, isAnswered);
  });
}

interface ExpressApp {
  handle(request: NodeRequest, response: ServerResponse, done?: unknown): unknown;
}

function beforeExpress(adapter: HttpServer, isAnswered: BeforeApp): void {
  const app = adapter.getInstance() as ExpressApp;
  const handle = app.handle.bind(app);
  app.handle = (request, response, done) =>
    isAnswered(request, response) ? undefined : handle(request, response, done);
}

interface FastifyApp {
  readonly server: Pick<Server, 'emit'>;
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void,
  ): void;
}

interface FastifyRequest {
  readonly raw: NodeRequest;
}

interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): void;
}

type Emit = (name: string | symbol, ...args: readonly unknown[]) => boolean;

/** Before any hook; and by a hook where a platform without a server brings its requests. */
function beforeFastify(adapter: HttpServer, isAnswered: BeforeApp): void {
  const app = adapter.getInstance() as FastifyApp;
  const seen = new WeakSet<object>();
  const emit = app.server.emit.bind(app.server) as Emit;
  app.server.emit = (name: string | symbol, ...args: readonly unknown[]): boolean => {
    if (name !== 'request') return emit(name, ...args);
    const [request, response] = args as readonly [NodeRequest, ServerResponse];
    seen.add(request);
    return isAnswered(request, response) || emit(name, ...args);
  };
  app.addHook('onRequest', ({ raw: request }, reply, done) => {
    if (seen.has(request) || !isAnswered(request, reply.raw)) done();
    else reply.hijack();
  });
}
