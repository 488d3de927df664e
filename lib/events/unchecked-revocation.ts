import { uncheckedRevocations } from './channels.js';

/** A certificate that passed though it is not known whether it is revoked: `clientCertificate.revocation.mode: 'best-effort'`. */
export interface UncheckedRevocation {
  /** SHA-256 of its DER, base64url. */
  readonly thumbprint: string;
  /** `unknown`: nobody who may be asked speaks of it. `unavailable`: who should know cannot be asked. */
  readonly why: 'unknown' | 'unavailable';
}

/** Tells whoever listens. */
export function publishUncheckedRevocation(unchecked: UncheckedRevocation): void {
  if (uncheckedRevocations.hasSubscribers) uncheckedRevocations.publish(unchecked);
}
