import { createHmac } from 'node:crypto';
import { equalInConstantTime } from '../equal-in-constant-time.js';

/** What a nonce is worth, and until when it will be accepted, in milliseconds since the epoch. */
export type NonceVerdict =
  { readonly kind: 'current' | 'about-to-expire'; readonly expiresAt: number } | { readonly kind: 'unknown' };

/**
 * The nonces of this API: one for each window of time, the same for all clients and on all instances that share the
 * secret, and nobody else's to guess. None is stored and no timer runs.
 * @see RFC 9449 §9
 */
export class DpopNonces {
  /** Milliseconds. */
  private readonly windowLength: number;
  private window = Number.NaN;
  private previous = '';
  private present = '';
  private next = '';

  /** @param lifetime seconds, of two windows: a nonce is accepted in its own, and in the one after it */
  constructor(
    private readonly secret: Uint8Array,
    lifetime: number,
  ) {
    this.windowLength = (lifetime / 2) * 1000;
  }

  /** The nonce to hand out. @param now milliseconds since the epoch */
  current(now: number): string {
    this.moveTo(now);
    return this.present;
  }

  /** What the nonce of a proof is worth. @param now milliseconds since the epoch */
  judge(nonce: string | undefined, now: number): NonceVerdict {
    if (nonce === undefined) return { kind: 'unknown' };
    this.moveTo(now);
    if (equalInConstantTime(nonce, this.present))
      return { kind: 'current', expiresAt: this.endOf(this.window) };
    // An instance whose clock is ahead hands out the next one already.
    if (equalInConstantTime(nonce, this.next)) {
      return { kind: 'current', expiresAt: this.endOf(this.window + 1) };
    }
    if (equalInConstantTime(nonce, this.previous)) {
      return { kind: 'about-to-expire', expiresAt: this.endOf(this.window - 1) };
    }
    return { kind: 'unknown' };
  }

  /** A nonce is accepted in its own window, and in the one after it. */
  private endOf(window: number): number {
    return (window + 2) * this.windowLength;
  }

  private moveTo(now: number): void {
    const window = Math.floor(now / this.windowLength);
    if (window === this.window) return;
    this.window = window;
    this.previous = this.nonceOf(window - 1);
    this.present = this.nonceOf(window);
    this.next = this.nonceOf(window + 1);
  }

  private nonceOf(window: number): string {
    const input = `cert-bound-auth dpop nonce ${this.windowLength} ${window}`;
    return createHmac('sha256', this.secret).update(input).digest('base64url');
  }
}
