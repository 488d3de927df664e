import type { HttpResponse } from '../http/refuse.js';
import type { HttpRequest } from '../../request/http-request.js';
import type { RequestAuthenticator } from './request-authenticator.js';

/**
 * Which authenticator belongs to which app (the instance of Express or of Fastify). Passport's registry and
 * parameter decorators are global to the process; a request is always decided by the app that it came to.
 */
const authenticators = new WeakMap<object, RequestAuthenticator>();

/** Registers the authenticator of an app. @returns `false` when another app has the same instance */
export function registerAuthenticator(app: object, authenticator: RequestAuthenticator): boolean {
  if (authenticators.has(app)) return false;
  authenticators.set(app, authenticator);
  return true;
}

/** Forgets the authenticator of an app that has ended. */
export function unregisterAuthenticator(app: object, authenticator: RequestAuthenticator): void {
  if (authenticators.get(app) === authenticator) authenticators.delete(app);
}

/** The authenticator of the app that a request came to. @throws Error when the app does not import the module */
export function authenticatorOf(request: HttpRequest): RequestAuthenticator {
  const { app, server } = request as { readonly app?: object; readonly server?: object };
  // A plugin of Fastify has an instance of its own, which inherits from the app's.
  for (let instance = app ?? server; instance; instance = Object.getPrototypeOf(instance) as object) {
    const authenticator = authenticators.get(instance);
    if (authenticator !== undefined) return authenticator;
  }
  throw new Error('CertBoundAuthModule is not imported by the app that this request came to');
}

const REPLY = Symbol('reply');

interface RequestWithReply {
  [REPLY]?: HttpResponse;
  readonly res?: HttpResponse;
}

/** A request of Fastify does not know its reply: this hook lets it. */
export function keepReply(request: object, reply: object, done: () => void): void {
  (request as RequestWithReply)[REPLY] = reply as HttpResponse;
  done();
}

/** The response to a request, for the strategy, which gets none from Passport. */
export function responseOf(request: HttpRequest): HttpResponse {
  const { res, [REPLY]: reply } = request as RequestWithReply;
  const response = reply ?? res;
  if (response === undefined) throw new Error('no response belongs to this request');
  return response;
}
