import type { AppAuthenticator } from './app-authenticator.js';
import type { Exchange } from './exchange.js';

/**
 * Which authenticator belongs to which app (the instance of Express or of Fastify). Passport's registry and
 * parameter decorators are global to the process; a request is always decided by the app that it came to.
 */
const authenticators = new WeakMap<object, AppAuthenticator>();

/** Registers the authenticator of an app. @returns `false` when another app has the same instance */
export function registerAuthenticator(app: object, authenticator: AppAuthenticator): boolean {
  if (authenticators.has(app)) return false;
  authenticators.set(app, authenticator);
  return true;
}

/** Forgets the authenticator of an app that has ended. */
export function unregisterAuthenticator(app: object, authenticator: AppAuthenticator): void {
  if (authenticators.get(app) === authenticator) authenticators.delete(app);
}

/** The authenticator of the app that a call came to. @throws Error when the app does not import the module */
export function authenticatorOf({ request, record }: Exchange): AppAuthenticator {
  const { app, server } = request as { readonly app?: object; readonly server?: object };
  // A plugin of Fastify has an instance of its own, which inherits from the app's.
  let instance: object | null | undefined = record.app ?? app ?? server;
  for (; instance; instance = Object.getPrototypeOf(instance) as object | null) {
    const authenticator = authenticators.get(instance);
    if (authenticator !== undefined) return authenticator;
  }
  throw new Error('CertBoundAuthModule is not imported by the app that this call came to');
}
