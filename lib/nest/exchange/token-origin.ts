import type { VerifiedAccessToken } from '../../decision.js';
import type { Exchange } from './exchange.js';

/** Makes a class whose instance is what its constructor is given, so that a subclass can put a private field on that. */
const Itself = function (itself: object) {
  return itself;
} as unknown as new (itself: object) => object;

/**
 * By a token, the call that it came with. It is kept in a private field of the token, where nobody sees it, no copy has it,
 * and a request pays next to nothing for it: a WeakMap costs microseconds.
 */
class Origin extends Itself {
  #exchange: Exchange | undefined = undefined;
  #policy: string | undefined = undefined;

  static note(token: object, exchange: Exchange, policy: string | undefined): void {
    // A token may serve several calls over one connection.
    const origin = #exchange in token ? token : new Origin(token);
    origin.#exchange = exchange;
    origin.#policy = policy;
  }

  static of(token: object): TokenArrival | undefined {
    if (!(#exchange in token) || token.#exchange === undefined) return undefined;
    return { exchange: token.#exchange, policy: token.#policy };
  }
}

/** What a token came with, and what has accepted it. */
export interface TokenArrival {
  readonly exchange: Exchange;
  /** The policy that has accepted it; `undefined` for the module itself. */
  readonly policy: string | undefined;
}

/** Notes which call a token came with, and what has accepted it. */
export function noteOrigin(token: VerifiedAccessToken, exchange: Exchange, policy: string | undefined): void {
  Origin.note(token, exchange, policy);
}

/** By what a token came in; `undefined` for a copy, and for what is no token. */
export function originOf(token: unknown): TokenArrival | undefined {
  return typeof token === 'object' && token !== null ? Origin.of(token) : undefined;
}
