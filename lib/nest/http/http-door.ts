import { HttpException } from '@nestjs/common';
import { isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import { log } from '../../common/log.js';
import { messageOf } from '../../common/message-of.js';
import type { HttpRequest } from '../../request/http-request.js';
import { protect, TOKEN_ALONE } from '../exchange/protect.js';
import type { AppAuthenticator } from '../exchange/app-authenticator.js';
import type { HttpExchange } from './http-exchange.js';

/**
 * What stands in front of all that an HTTP adapter serves and that is no handler of Nest: what libraries mount, static files,
 * documents of OpenAPI. There a request needs what a route without demands needs: a valid token, bound to its caller.
 */
export interface HttpDoor {
  readonly authenticator: AppAuthenticator;
  /** Whether the app has left open what a request is for. */
  readonly isPublic: (request: HttpRequest) => boolean;
}

/** What is served behind the door. */
export interface ServedPath {
  /** `undefined` for all. */
  readonly method: string | undefined;
  /** As it was registered: a pattern. */
  readonly path: string;
}

/** Lists what is served behind a door, as far as it is known by now. */
export type ServedBehindDoor = () => readonly ServedPath[];

/** Decides whether a request may go on, and answers one that may not. It throws nothing, and rejects with nothing. */
export function admit(door: HttpDoor, exchange: HttpExchange): MaybePromise<boolean> {
  if (door.isPublic(exchange.request)) return true;
  try {
    const passed = protect(door.authenticator, exchange, TOKEN_ALONE);
    return isPromise(passed) ? passed.catch((error: unknown) => answered(error, exchange)) : true;
  } catch (error) {
    return answered(error, exchange);
  }
}

/** What a caller is told who may not go on; the challenge is on the response already. */
export interface RefusalAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** @param error what deciding has thrown */
export function answerTo(error: unknown): RefusalAnswer {
  if (error instanceof HttpException) return { status: error.getStatus(), body: error.getResponse() };
  log.error(`a request could not be decided about: ${messageOf(error)}`);
  return { status: 500, body: { statusCode: 500, message: 'Internal server error' } };
}

function answered(error: unknown, { response }: HttpExchange): false {
  const { status, body } = answerTo(error);
  if ('raw' in response) {
    response.code(status).send(body);
    return false;
  }
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
  return false;
}
