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

  static note(token: object, exchange: Exchange): void {
    // A token may serve several calls over one connection.
    const origin = #exchange in token ? token : new Origin(token);
    origin.#exchange = exchange;
  }

  static of(token: object): Exchange | undefined {
    return #exchange in token ? token.#exchange : undefined;
  }
}

/** Notes which call a token came with. */
export function noteOrigin(token: VerifiedAccessToken, exchange: Exchange): void {
  Origin.note(token, exchange);
}

/** The call that a token came with; `undefined` for a copy, and for what is no token. */
export function originOf(token: unknown): Exchange | undefined {
  return typeof token === 'object' && token !== null ? Origin.of(token) : undefined;
}
