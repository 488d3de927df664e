import { messageOf } from '../common/message-of.js';
import { type MaybePromise } from '../common/maybe-promise.js';
import { SeldomLog } from '../common/seldom-log.js';
import { renderFields } from '../common/log-fields.js';
import { addRevocationSources } from '../events/revocation-sources.js';
import { publishUncheckedRevocation } from '../events/unchecked-revocation.js';
import type {
  CertificateCheck,
  CertificateChecksHealth,
  CertificateProblem,
  VerifiedChain,
} from './certificate-checks.js';
import type { CertificateSettings } from './certificate-settings.js';
import type { ClientCertificate } from './client-certificate.js';
import type { AskedCertificate } from './revocation/asked-certificate.js';
import { CertificateRevocations } from './revocation/certificate-revocations.js';
import type { CertificateStatus } from './revocation/certificate-status.js';
import type { RevocationSettings } from './revocation/revocation-settings.js';

/** What was found of a path. */
interface Finding {
  readonly problem: CertificateProblem | undefined;
  /** The state of knowledge that it was found by. */
  readonly version: number;
  /** When it is to be looked at again, in milliseconds since the epoch. */
  readonly until: number;
}

/** Answers about single certificates are looked at again after so many milliseconds, however long they would hold. */
const LONGEST_MS = 60_000;
/** The same where nothing was found out: a source may be back any moment. */
const UNCHECKED_MS = 1_000;

/**
 * Checks that no certificate of a path is revoked, but for the trusted CA, which nobody but itself could revoke. Asked on every
 * request: what was found is kept for as long as nothing new is known.
 */
export class RevocationCheck implements CertificateCheck {
  private readonly findings = new WeakMap<VerifiedChain, Finding>();
  private readonly unchecked = new SeldomLog(
    `accepted ${renderFields({ reason: 'certificate_revocation_unchecked' })}`,
  );

  private forgetSources: (() => void) | undefined;

  constructor(
    private readonly settings: RevocationSettings,
    readonly revocations = new CertificateRevocations(settings),
  ) {}

  async start(): Promise<void> {
    await this.revocations.start();
    this.forgetSources = addRevocationSources((now) => this.revocations.health(now));
  }

  async close(): Promise<void> {
    this.forgetSources?.();
    await this.revocations.close();
  }

  health(now: number): CertificateChecksHealth {
    const { mode } = this.settings;
    return {
      mode: mode === 'best-effort' ? mode : 'strict',
      sources: this.revocations.health(now),
    };
  }

  problemOf(
    { thumbprint }: ClientCertificate,
    verdict: VerifiedChain,
  ): MaybePromise<CertificateProblem | undefined> {
    const now = Date.now();
    const finding = this.findings.get(verdict);
    if (
      finding?.version === this.revocations.version &&
      now <= finding.until &&
      now > finding.until - LONGEST_MS - 1
    )
      return finding.problem;
    return this.find(thumbprint, verdict, now);
  }

  private async find(
    thumbprint: string,
    verdict: VerifiedChain,
    now: number,
  ): Promise<CertificateProblem | undefined> {
    const { version } = this.revocations;
    const status = await this.statusOf(verdict, now);
    const finding = this.findingOf(status, version, now);
    this.findings.set(verdict, finding);
    if (finding.problem === undefined && status.kind !== 'good') this.tellUnchecked(thumbprint, status);
    return finding.problem;
  }

  /** Of all certificates of the path, the worst. */
  private async statusOf(
    { path, listSigners = nobodyElse }: VerifiedChain,
    now: number,
  ): Promise<CertificateStatus> {
    const [leaf] = path;
    if (leaf === undefined) return { kind: 'unknown', detail: 'the path of the certificate is not known' };
    const statuses = await Promise.all(
      path.slice(0, -1).map(async (certificate, index) => {
        const ca = path[index + 1] ?? certificate;
        return this.statusOfOne({ certificate, ca, listSigners, now });
      }),
    );
    return worstOf(statuses);
  }

  /** What goes wrong with one certificate hides nothing that is known of another. */
  private async statusOfOne(asked: AskedCertificate): Promise<CertificateStatus> {
    try {
      return await this.revocations.statusOf(asked);
    } catch (error) {
      return { kind: 'unavailable', detail: messageOf(error) };
    }
  }

  private findingOf(status: CertificateStatus, version: number, now: number): Finding {
    const shortly = now + UNCHECKED_MS;
    if (status.kind === 'good')
      return { problem: undefined, version, until: Math.min(status.until, now + LONGEST_MS) };
    const { detail } = status;
    if (status.kind === 'revoked')
      return { problem: { reason: 'certificate_revoked', detail }, version, until: now + LONGEST_MS };
    if (this.settings.mode === 'best-effort') return { problem: undefined, version, until: shortly };
    const reason =
      status.kind === 'unknown' ? 'certificate_revocation_unknown' : 'certificate_revocation_unavailable';
    return { problem: { reason, detail }, version, until: shortly };
  }

  private tellUnchecked(
    thumbprint: string,
    { kind, detail }: Extract<CertificateStatus, { readonly detail: string }>,
  ): void {
    publishUncheckedRevocation({ thumbprint, why: kind === 'unknown' ? 'unknown' : 'unavailable' });
    const reason = 'certificate_revocation_unchecked';
    this.unchecked.warn(detail, () => `accepted ${renderFields({ reason, detail })}`);
  }
}

function nobodyElse(): readonly [] {
  return [];
}

/** `undefined` where nothing is looked up. */
export function revocationCheckOf({ revocation }: CertificateSettings): RevocationCheck | undefined {
  return revocation === undefined || revocation.mode === 'off' ? undefined : new RevocationCheck(revocation);
}

const ORDER: readonly CertificateStatus['kind'][] = ['revoked', 'unknown', 'unavailable'];

function worstOf(statuses: readonly CertificateStatus[]): CertificateStatus {
  for (const kind of ORDER) {
    const found = statuses.find((status) => status.kind === kind);
    if (found !== undefined) return found;
  }
  const until = Math.min(...statuses.map((status) => (status.kind === 'good' ? status.until : 0)));
  return { kind: 'good', until };
}
