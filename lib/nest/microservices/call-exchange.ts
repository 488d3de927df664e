import type { ExecutionContext } from '@nestjs/common';
import type { Exchange } from '../exchange/exchange.js';
import { grpcExchangeOf } from './grpc-exchange.js';
import { messageCallOf } from './message-call.js';
import { TransportExchange } from './transport-exchange.js';

/** The exchange of a call of a message handler; `undefined` for one that came to no server that this module watches. */
export function callExchangeOf(context: ExecutionContext): Exchange | undefined {
  const call = messageCallOf(context.getArgs());
  if (call === undefined) return undefined;
  if (call.kind === 'grpc') return grpcExchangeOf(call);
  call.exchange ??= new TransportExchange(call, `${context.getClass().name}.${context.getHandler().name}`);
  return call.exchange;
}
