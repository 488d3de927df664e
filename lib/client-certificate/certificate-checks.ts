import { isPromise, type MaybePromise } from '../common/maybe-promise.js';
import type { RevocationSourceHealth } from '../events/revocation-source-health.js';
import type { InvalidTokenReason } from '../challenge/oauth-error.js';
import type { ReasonTold } from '../challenge/reasons.js';
import type { CertificatePolicyOutcome } from './certificate-policy-outcome.js';
import type { ChainVerdict } from './chain/chain-verdict.js';
import type { ClientCertificate } from './client-certificate.js';

/** A verdict of a certificate whose chain leads to a trusted CA. */
export type VerifiedChain = Extract<ChainVerdict, { readonly kind: 'verified' }>;

/** Why a certificate does not count although its chain is verified; 503 where that could not be found out. */
export interface CertificateProblem {
  readonly reason: InvalidTokenReason | ReasonTold<'outage'>;
  /** For the log, never for the caller. */
  readonly detail: string;
}

/**
 * One thing that must hold of a certificate beside its chain. It is asked on every request: what does not change with the
 * moment it remembers by the certificate's `identity`, for as long as the verdict is the same object.
 */
export interface CertificateCheck {
  /** @returns `undefined` when nothing speaks against the certificate */
  problemOf(
    certificate: ClientCertificate,
    verdict: VerifiedChain,
  ): MaybePromise<CertificateProblem | undefined>;
  /** What it looked at and found of a certificate that has met it. */
  outcomesOf?(certificate: ClientCertificate, verdict: VerifiedChain): readonly CertificatePolicyOutcome[];
  /** Begins whatever it does in the background: called once, before the app listens. */
  start?(): Promise<void>;
  close?(): Promise<void>;
  /** How what it asks is doing. @param now milliseconds since the epoch */
  health?(now: number): CertificateChecksHealth | undefined;
}

/** How the sources are doing that say which certificates are revoked. */
export interface CertificateChecksHealth {
  /** `strict`: a certificate of which nothing can be found out does not count. */
  readonly mode: 'strict' | 'best-effort';
  readonly sources: readonly RevocationSourceHealth[];
}

/** All that must hold of a certificate beside its chain: the first problem counts. */
export class CertificateChecks {
  /** @param checks at least one, the cheapest first */
  constructor(private readonly checks: readonly CertificateCheck[]) {}

  /** At once where no check has to wait. */
  problemOf(
    certificate: ClientCertificate,
    verdict: VerifiedChain,
  ): MaybePromise<CertificateProblem | undefined> {
    return this.problemFrom(0, certificate, verdict);
  }

  /** What the policy looked at and found of a certificate; `undefined` where there is no policy. */
  outcomesOf(
    certificate: ClientCertificate,
    verdict: VerifiedChain,
  ): readonly CertificatePolicyOutcome[] | undefined {
    return this.checks.find((check) => check.outcomesOf !== undefined)?.outcomesOf?.(certificate, verdict);
  }

  async start(): Promise<void> {
    await Promise.all(this.checks.map(async (check) => check.start?.()));
  }

  async close(): Promise<void> {
    await Promise.all(this.checks.map(async (check) => check.close?.()));
  }

  /** `undefined` where nothing is asked. @param now milliseconds since the epoch */
  health(now: number): CertificateChecksHealth | undefined {
    return this.checks.map((check) => check.health?.(now)).find((health) => health !== undefined);
  }

  private problemFrom(
    index: number,
    certificate: ClientCertificate,
    verdict: VerifiedChain,
  ): MaybePromise<CertificateProblem | undefined> {
    const check = this.checks[index];
    if (check === undefined) return undefined;
    const found = check.problemOf(certificate, verdict);
    if (!isPromise(found)) return found ?? this.problemFrom(index + 1, certificate, verdict);
    return found.then((problem) => problem ?? this.problemFrom(index + 1, certificate, verdict));
  }
}
