import { type AccessDecision, DecisionListener } from 'nestjs-cert-bound-auth';

const KEPT = 2_000;

/** Keeps the last decisions of an API, to explain a wrong one. */
export class LastDecisions extends DecisionListener {
  private readonly decisions: (AccessDecision | undefined)[] = Array.from({ length: KEPT }, () => undefined);
  private position = 0;

  override onDecision(decision: AccessDecision): void {
    this.decisions[this.position] = decision;
    this.position = (this.position + 1) % KEPT;
  }

  /** Those on a token, oldest first; it may be quoted in none of them. @param digest SHA-256, base64url */
  on(digest: string): readonly string[] {
    return [...this.decisions.slice(this.position), ...this.decisions.slice(0, this.position)]
      .filter((decision) => decision?.tokenDigest === digest)
      .map((decision) => (decision === undefined ? '' : describe(decision)));
  }
}

function describe(decision: AccessDecision): string {
  const { outcome, route, cacheHit } = decision;
  const reason = decision.outcome === 'accepted' ? '' : ` ${decision.status} ${decision.reason}`;
  return `${outcome}${reason} ${route}${cacheHit ? ' (known token)' : ''}`;
}
