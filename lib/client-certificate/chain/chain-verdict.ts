import type { X509Certificate } from 'node:crypto';
import { isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import type { InvalidPath, ListSigners, PathVerdict } from './certification-path.js';

/** Whether a certificate's chain leads to a trusted CA. The same object for as long as nothing has changed. */
export type ChainVerdict =
  | {
      readonly kind: 'verified';
      /**
       * From the certificate itself to the trusted one. Empty where we have verified nothing ourselves: a proxy, or a
       * function of the app, vouches.
       */
      readonly path: readonly X509Certificate[];
      /** When the verdict ceases to hold, in milliseconds since the epoch: no later than a certificate of the path. */
      readonly until: number;
      /** Where we have found the path ourselves. */
      readonly listSigners?: ListSigners;
    }
  | {
      readonly kind: 'unverified';
      /** Whether a path is invalid, or could not even be built. */
      readonly reason: InvalidPath['reason'];
      readonly error: string;
    };

/** Of a certificate that a proxy, or a function of the app, vouches for. */
export const VOUCHED_FOR: ChainVerdict = Object.freeze({
  kind: 'verified',
  path: Object.freeze([]),
  until: Infinity,
});

/** Of a certificate whose chain leads nowhere. */
export function unverified(
  error: string,
  reason: InvalidPath['reason'] = 'certificate_untrusted',
): ChainVerdict {
  return Object.freeze({ kind: 'unverified', reason, error });
}

/** What was found of a path, as a verdict. */
export function chainVerdictOf(found: PathVerdict): ChainVerdict {
  if (found.kind === 'invalid') return unverified(found.error, found.reason);
  return Object.freeze({ ...found, kind: 'verified' });
}

/** Whether it is known already that a chain leads to a trusted CA: of a connection of ours it is. */
export function isVerifiedAtOnce(verdict: MaybePromise<ChainVerdict>): boolean {
  return !isPromise(verdict) && verdict.kind === 'verified';
}
