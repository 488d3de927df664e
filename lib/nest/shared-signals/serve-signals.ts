import type { ServerResponse } from 'node:http';
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
    void endpoint.answer(request).then((answer) => send(answer, response));
    return true;
  };
}

function send({ status, headers, body }: SignalAnswer, response: ServerResponse): void {
  // An app may have given up on it in the meantime.
  if (!response.headersSent) response.writeHead(status, headers).end(body);
}
