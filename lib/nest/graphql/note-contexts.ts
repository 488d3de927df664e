import type { ContextFunction, DriverOptions } from './graphql-api.js';
import { contextOfCall, newCall } from './graphql-call.js';
import type { GraphQLApp } from './graphql-app.js';
import { sentByOf } from './sent-by.js';

/**
 * The options of a driver, with functions that note of each context what request, or what handshake, it was made for. Whatever
 * the app puts into its contexts, and whether several requests share one, it can be told who has sent an operation.
 */
export function notingContexts(options: DriverOptions, app: GraphQLApp): DriverOptions {
  const { context, subscriptions } = options;
  return {
    ...options,
    context: noting(context, app),
    ...(isObject(subscriptions) ? { subscriptions: notingSubscriptions(subscriptions, app) } : {}),
  };
}

/** A transport of subscriptions may have a function of its own. */
function notingSubscriptions(
  subscriptions: Readonly<Record<string, unknown>>,
  app: GraphQLApp,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(subscriptions).map(([transport, options]) => [
      transport,
      isObject(options) && options['context'] !== undefined
        ? { ...options, context: noting(options['context'], app) }
        : options,
    ]),
  );
}

function noting(context: unknown, app: GraphQLApp): ContextFunction {
  return async (...given) => {
    const made: unknown =
      typeof context === 'function' ? await (context as ContextFunction)(...given) : context;
    const sentBy = sentByOf(given);
    return sentBy === undefined ? made : contextOfCall(made, newCall(sentBy, app));
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
