import type { ServerResponse } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { NodeRequest } from '../../request/http-request.js';
import type { SignalAnswer } from '../../shared-signals/signal-answer.js';
import type { BeforeApp } from '../http/before-app.js';

/** What answers requests at one path, whoever sends them. */
export interface SignalEndpoint {
  readonly path: string;
  concerns(request: NodeRequest): boolean;
  answer(request: NodeRequest): Promise<SignalAnswer>;
}

/** Answers before the app does: its guards have no say about who sends events, for their signature has. */
export function serveSignals(endpoint: SignalEndpoint): BeforeApp {
  return (request, response) => {
    if (!endpoint.concerns(request)) return false;
    void endpoint.answer(request).then((answer) => send(answer, request, response));
    return true;
  };
}

function send({ status, headers, body }: SignalAnswer, request: NodeRequest, response: NodeResponse): void {
  // An app may have given up on it in the meantime.
  if (response.headersSent) return;
  response.writeHead(status, headers).end(body, () => {
    if (!request.complete) response.stream?.close(constants.NGHTTP2_NO_ERROR);
  });
}

/** A stream of HTTP/2 ends by itself only when all of its request has come (RFC 9113 §8.1). */
type NodeResponse = ServerResponse & { readonly stream?: Pick<ServerHttp2Stream, 'close'> };
