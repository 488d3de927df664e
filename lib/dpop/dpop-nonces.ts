import { createHmac } from 'node:crypto';
import { equalInConstantTime } from '../common/equal-in-constant-time.js';

/** What a nonce is worth, and until when it will be accepted, in milliseconds since the epoch. */
export type NonceVerdict =
  { readonly kind: 'current' | 'about-to-expire'; readonly expiresAt: number } | { readonly kind: 'unknown' };

/** Those that count in a window of time. */
interface WindowNonces {
  /** Windows since the epoch. */
  readonly window: number;
  readonly previous: string;
  readonly present: string;
  readonly next: string;
}

/**
 * The nonces of this API: one for each window of time, the same for all clients and on all instances that share the
 * secret, and nobody else's to guess. None is stored and no timer runs.
 * @see RFC 9449 §9
 */
export class DpopNonces {
  /** Milliseconds. */
  private readonly windowLength: number;
  private known: WindowNonces | undefined;

  /** @param lifetime seconds, of two windows: a nonce is accepted in its own, and in the one after it */
  constructor(
    private readonly secret: Uint8Array,
    lifetime: number,
  ) {
    this.windowLength = (lifetime / 2) * 1000;
  }

  /** The nonce to hand out. @param now milliseconds since the epoch */
  current(now: number): string {
    return this.noncesAt(now).present;
  }

  /** What the nonce of a proof is worth. @param now milliseconds since the epoch */
  judge(nonce: string | undefined, now: number): NonceVerdict {
    if (nonce === undefined) return { kind: 'unknown' };
    const { window, previous, present, next } = this.noncesAt(now);
    if (equalInConstantTime(nonce, present)) return { kind: 'current', expiresAt: this.endOf(window) };
    // An instance whose clock is ahead hands out the next one already.
    if (equalInConstantTime(nonce, next)) {
      return { kind: 'current', expiresAt: this.endOf(window + 1) };
    }
    if (equalInConstantTime(nonce, previous)) {
      return { kind: 'about-to-expire', expiresAt: this.endOf(window - 1) };
    }
    return { kind: 'unknown' };
  }

  /** A nonce is accepted in its own window, and in the one after it. */
  private endOf(window: number): number {
    return (window + 2) * this.windowLength;
  }

  private noncesAt(now: number): WindowNonces {
    const window = Math.floor(now / this.windowLength);
    // Stryker disable next-line ConditionalExpression: those made again are the same, it only costs
    if (this.known?.window !== window) this.known = this.noncesOf(window);
    return this.known;
  }

  private noncesOf(window: number): WindowNonces {
    return {
      window,
      previous: this.nonceOf(window - 1),
      present: this.nonceOf(window),
      next: this.nonceOf(window + 1),
    };
  }

  private nonceOf(window: number): string {
    const input = `cert-bound-auth dpop nonce ${this.windowLength} ${window}`;
    return createHmac('sha256', this.secret).update(input).digest('base64url');
  }
}
