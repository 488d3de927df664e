import type { HttpServer } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { noteDecidedElsewhere } from '../nest/exchange/request-record.js';
import type { HttpRequest } from '../request/http-request.js';
import type { ForwardAuth } from './forward-auth.js';

/**
 * Lets the endpoint answer what is its own before all that an app has, even before its CORS, which would answer every
 * `OPTIONS`. Nest's adapters run one hook first of all; the app's own, where it has one, still sees the other requests.
 * To be called when the app has been set up: a hook of the app that is set later replaces this one.
 */
export function answerBeforeApp(adapter: HttpServer, endpoint: ForwardAuth): void {
  const hooks = adapter as unknown as RequestHooks;
  const former = hooks.onRequestHook?.bind(adapter);
  hooks.setOnRequestHook?.((request, response, done) => {
    const { raw, answer } = rawOf(request, response);
    if (endpoint.concerns(raw)) {
      noteDecidedElsewhere(raw as HttpRequest);
      void endpoint.respond(raw, answer());
    } else if (former === undefined) done();
    else return former(request, response, done);
    return undefined;
  });
}

/** What an adapter has of the hook; not every version of Nest has it. */
interface RequestHooks {
  readonly onRequestHook?: RequestHook;
  setOnRequestHook?(hook: RequestHook): void;
}

type RequestHook = (
  request: IncomingMessage | FastifyRequestParts,
  response: ServerResponse | FastifyReplyParts,
  done: (error?: Error) => void,
) => unknown;

interface FastifyRequestParts {
  readonly raw: IncomingMessage;
}

interface FastifyReplyParts {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/** Node's own objects; Fastify must be told when it is not the one to answer. */
function rawOf(
  request: IncomingMessage | FastifyRequestParts,
  response: ServerResponse | FastifyReplyParts,
): { readonly raw: IncomingMessage; readonly answer: () => ServerResponse } {
  return {
    raw: 'raw' in request ? request.raw : request,
    answer: () => {
      if (!('hijack' in response)) return response;
      response.hijack();
      return response.raw;
    },
  };
}
