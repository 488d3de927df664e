import type { Exchange } from '../exchange/exchange.js';
import type { TokenEnd } from '../exchange/token-end.js';
import type { GrpcCall } from './grpc-call.js';
import type { MessageApp } from './message-app.js';

/** A call of a message handler: the app whose server it came to, and what is known of it. */
export type MessageCall = GrpcCall | TransportCall;

/** A message that came by any transport but gRPC. */
export interface TransportCall {
  readonly kind: 'message';
  readonly app: MessageApp;
  /** What Nest hands to the handler beside the payload. */
  readonly context: object;
  readonly data: unknown;
  exchange: Exchange | undefined;
  /** What the sender is told, where the message has been refused. */
  refusal: object | undefined;
  /** Of its token; `undefined` where what answers may go on. */
  tokenEnd: TokenEnd | undefined;
}

/** Stands for calls that cannot be told from each other. */
const AMBIGUOUS = Symbol('ambiguous');

/** By what Nest hands to guards and handlers of this one call, and of no other: a call of grpc-js, or the context. */
const calls = new WeakMap<object, MessageCall | typeof AMBIGUOUS>();

/**
 * Notes that a call came to a server of an app. A transport that gives several messages the same context gets none of them
 * accepted: the decision about one would stand for the others.
 */
export function noteCall(carrier: object, call: MessageCall): void {
  calls.set(carrier, calls.has(carrier) ? AMBIGUOUS : call);
}

/** The call that a guard, a decorator or a handler was given these arguments for; `undefined` where none is known. */
export function messageCallOf(args: readonly unknown[]): MessageCall | undefined {
  // gRPC: (payload, metadata, call), or (call) alone; all others: (payload, context).
  for (const carrier of [args[2], args[1], args[0]]) {
    const call = typeof carrier === 'object' && carrier !== null ? calls.get(carrier) : undefined;
    if (call !== undefined) return call === AMBIGUOUS ? undefined : call;
  }
  return undefined;
}
