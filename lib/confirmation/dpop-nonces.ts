import { createHmac } from 'node:crypto';
import { equalInConstantTime } from './certificate-thumbprint.js';

/** What a nonce is worth. */
export type NonceVerdict = 'current' | 'about-to-expire' | 'unknown';

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

  /** @param lifetime seconds that a nonce is accepted at most: for its window, and for the one after it */
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
    if (nonce === undefined) return 'unknown';
    this.moveTo(now);
    // An instance whose clock is ahead hands out the next one already.
    if (equalInConstantTime(nonce, this.present) || equalInConstantTime(nonce, this.next)) return 'current';
    return equalInConstantTime(nonce, this.previous) ? 'about-to-expire' : 'unknown';
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
