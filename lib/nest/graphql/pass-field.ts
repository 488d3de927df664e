import { BoundedLog } from '../../common/bounded-log.js';
import { andThen, type MaybePromise } from '../../common/maybe-promise.js';
import type { Acceptance } from '../../decision.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import { unmetByCall } from '../exchange/protect.js';
import type { FieldDemands } from './field-policies.js';
import { type GraphQLCall, findCall } from './graphql-call.js';
import type { GraphQLApp } from './graphql-app.js';
import { GraphQLExchange } from './graphql-exchange.js';
import { endedToken, unknownSender } from './graphql-refusal.exception.js';

/** A field of a schema, as an app holds it. */
export interface HeldField {
  readonly app: GraphQLApp;
  /** `Type.field`: what the schema says, never what the caller wrote. */
  readonly route: string;
  /** Whether it is resolved for the events of a subscription, which ends by itself. */
  readonly isStream: boolean;
}

/**
 * Lets an operation pass to a field that meets all that the field demands.
 * @throws GraphQLRefusedException
 */
export function passField(
  args: unknown,
  context: unknown,
  { app, route, isStream }: HeldField,
  demands: FieldDemands,
): MaybePromise<true> {
  // It is looked for where nothing is demanded as well: fields below may demand something, or ask who has sent it.
  const found = findCall(context, app);
  if (demands.length === 0) return true;
  const call = found ?? refuseUnknown(route);
  if (!isStream && isExpired(call)) throw endedToken('expired');
  let passed: MaybePromise<true> = true;
  for (const demand of demands) passed = andThen(passed, () => pass(call, app, { route, demand, args }));
  return passed;
}

interface Demanded {
  readonly route: string;
  readonly demand: ProtectedRoute;
  readonly args: unknown;
}

/** A list may have the same field a thousand times: it is found once that the operation may pass it. */
function pass(call: GraphQLCall, app: GraphQLApp, { route, demand, args }: Demanded): MaybePromise<true> {
  if (call.passed.has(demand)) return true;
  const authenticator = app.authenticator.of(demand);
  const exchange = new GraphQLExchange(call, route, args);
  if (authenticator.admitsAnonymous(exchange, demand)) return true;
  return andThen(authenticator.require(exchange, demand), (acceptance: Acceptance): MaybePromise<true> => {
    return andThen(unmetByCall(acceptance, demand, exchange), (error): true => {
      if (error === undefined) {
        authenticator.admitted(acceptance, exchange);
        if (dependsOnCall(demand)) authenticator.notePass(exchange, demand);
        else call.passed.add(demand);
        return true;
      }
      // An operation may name many fields that it may not have: the first one is told.
      throw call.refusalTold
        ? authenticator.exceptionFor({ error, trace: acceptance.trace }, exchange, demand)
        : authenticator.refuseRoute(acceptance, error, demand, exchange);
    });
  });
}

/** Another field of the same operation may be asked for with other arguments. */
function dependsOnCall({ checks }: ProtectedRoute): boolean {
  return checks.some(({ kind }) => kind === 'own' || kind === 'details');
}

/** A request is answered once, whenever that is; a subscription goes on. */
function isExpired({ response, tokenEnd }: GraphQLCall): boolean {
  return response === undefined && tokenEnd !== undefined && Date.now() >= tokenEnd.validUntil;
}

const unknown = new BoundedLog();

function refuseUnknown(route: string): never {
  const what = `refused reason=context_unsupported context=graphql field=${route}`;
  unknown.write(
    'error',
    what,
    `${what}: nothing is known of who has sent this operation, for it did not come through the server of GraphQLModule: ` +
      'run it with the context that the option "context" has made, without a replacement of your own',
  );
  throw unknownSender();
}
