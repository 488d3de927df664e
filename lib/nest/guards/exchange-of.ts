import { type ExecutionContext, UnauthorizedException } from '@nestjs/common';
import { BoundedLog } from '../../common/bounded-log.js';
import type { Exchange } from '../exchange/exchange.js';
import { graphqlExchangeOf } from '../graphql/graphql-exchange.js';
import { HttpExchange } from '../http/http-exchange.js';
import { callExchangeOf } from '../microservices/call-exchange.js';
import { clientExchangeOf, parameterExchangeOf } from '../websockets/client-exchange.js';

/** The exchange behind a context; `undefined` where this module knows none. */
export function exchangeOf(context: ExecutionContext): Exchange | undefined {
  const type = context.getType<string>();
  // What `switchToHttp` makes three functions for, and adds them to the context.
  if (type === 'http') return new HttpExchange(context.getArgByIndex(0), context.getArgByIndex(1));
  if (type === 'rpc') return callExchangeOf(context);
  if (type === 'ws') return clientExchangeOf(context);
  return type === 'graphql' ? graphqlExchangeOf(context) : undefined;
}

/**
 * The exchange behind a context, for what comes after its guards, or stands alone.
 * @throws UnauthorizedException for any other context: what can't be checked is refused
 */
export function requireExchange(context: ExecutionContext): Exchange {
  const exchange = context.getType<string>() === 'ws' ? parameterExchangeOf(context) : exchangeOf(context);
  return exchange ?? refuseContext(context);
}

const refusals = new BoundedLog();

/** @throws UnauthorizedException: what can't be checked is refused */
export function refuseContext(context: ExecutionContext): never {
  const what =
    `refused reason=context_unsupported context=${context.getType<string>()} ` +
    `handler=${context.getClass().name}.${context.getHandler().name}`;
  refusals.write(
    'error',
    what,
    `${what}: nothing is known of who has sent this; mark the handler @Public() and protect it otherwise`,
  );
  throw new UnauthorizedException();
}
