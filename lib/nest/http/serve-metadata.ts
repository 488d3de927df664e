import type { HttpServer } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { Server, ServerResponse } from 'node:http';
import type { MetadataTarget } from '../../protected-resource/metadata-url.js';
import { type NodeRequest, rawRequestOf, requestPathOf } from '../../request/http-request.js';
import { noteDecidedElsewhere } from '../exchange/request-record.js';
import { whenAdapter } from './when-adapter.js';

/** A document that everyone may read. */
export interface ServedMetadata {
  readonly target: MetadataTarget;
  /** How long a client may keep it, in seconds. */
  readonly maxAge: number;
  /** JSON. */
  readonly document: () => Promise<string>;
}

/**
 * Serves the metadata of an app, before anything of the app is asked: no prefix, version, guard or middleware of it has a say.
 */
export function serveMetadata(host: HttpAdapterHost, served: ServedMetadata): void {
  whenAdapter(host, (adapter) => {
    if (adapter.getType() === 'fastify') serveByFastify(adapter, served);
    else serveByExpress(adapter, served);
  });
}

interface ExpressApp {
  handle(request: NodeRequest, response: ServerResponse, done?: unknown): unknown;
}

function serveByExpress(adapter: HttpServer, served: ServedMetadata): void {
  const app = adapter.getInstance() as ExpressApp;
  const handle = app.handle.bind(app);
  app.handle = (request, response, done) =>
    isAskedFor(request, served.target) ? answer(request, response, served) : handle(request, response, done);
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

/** Before any hook; and by a hook where a platform without a server brings its requests. */
function serveByFastify(adapter: HttpServer, served: ServedMetadata): void {
  const app = adapter.getInstance() as FastifyApp;
  const emit = app.server.emit.bind(app.server) as Emit;
  app.server.emit = (name: string | symbol, ...args: readonly unknown[]): boolean => {
    const [request, response] = args as readonly [NodeRequest, ServerResponse];
    if (name !== 'request' || !isAskedFor(request, served.target)) return emit(name, ...args);
    void answer(request, response, served);
    return true;
  };
  app.addHook('onRequest', ({ raw: request }, reply, done) => {
    if (!isAskedFor(request, served.target)) {
      done();
      return;
    }
    reply.hijack();
    void answer(request, reply.raw, served);
  });
}

type Emit = (name: string | symbol, ...args: readonly unknown[]) => boolean;

function isAskedFor(request: NodeRequest, { path, query }: MetadataTarget): boolean {
  const { url = '' } = rawRequestOf(request);
  if (!url.includes('/.well-known/') || requestPathOf(request) !== path) return false;
  return query === '' || url.endsWith(path + query);
}

/** Any page may read it: it holds no secret, and no credentials are sent with the request (RFC 9728 has no word on CORS). */
const FOR_EVERYONE = { 'Access-Control-Allow-Origin': '*', 'X-Content-Type-Options': 'nosniff' };
const METHODS = 'GET, HEAD, OPTIONS';

async function answer(request: NodeRequest, response: ServerResponse, served: ServedMetadata): Promise<void> {
  noteDecidedElsewhere(request);
  if (request.method === 'OPTIONS') {
    response.writeHead(204, {
      ...FOR_EVERYONE,
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': '*',
      'Access-Control-Max-Age': String(served.maxAge),
    });
    response.end();
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    const document = await served.document();
    response.writeHead(200, {
      ...FOR_EVERYONE,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(document),
      'Cache-Control': `public, max-age=${Math.floor(served.maxAge)}`,
    });
    response.end(request.method === 'HEAD' ? undefined : document);
  } else {
    response.writeHead(405, { ...FOR_EVERYONE, Allow: METHODS });
    response.end();
  }
}
