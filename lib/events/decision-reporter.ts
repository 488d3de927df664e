import type { Acceptance, RequestTrace } from '../decision.js';
import type { OAuthError } from '../challenge/oauth-error.js';
import { outcomeOf } from '../challenge/reasons.js';
import { type RefusalEvidence, RefusalLog, type TokenEvidence } from './refusal-log.js';
import { isPromise } from '../common/maybe-promise.js';
import { messageOf } from '../common/message-of.js';
import type { AccessDecision, DecidedRequest, TokenOrigin } from './access-decision.js';
import { decisions } from './channels.js';
import type { DecisionListener } from './decision-listener.js';
import { BoundedLog } from '../common/bounded-log.js';

/** Tells of what one app decides: refusals to its log; everything to its listeners, and to `node:diagnostics_channel`. */
export class DecisionReporter {
  private readonly log = new RefusalLog();
  private readonly failures = new BoundedLog();
  private listeners: readonly DecisionListener[] = [];

  /** @param policy the name of the policy that decides; `undefined` for the module itself */
  constructor(private readonly policy?: string) {}

  listenBy(listeners: readonly DecisionListener[]): void {
    this.listeners = listeners;
  }

  /** Whether anybody listens. */
  isHeard(): boolean {
    return this.listeners.length > 0 || decisions.hasSubscribers;
  }

  /** @param route method and path pattern */
  accepted({ proved, trace }: Acceptance, route: string): void {
    const boundBy = Object.freeze([...proved.boundBy]);
    this.tell({ outcome: 'accepted', ...this.describe(trace, route), boundBy });
  }

  anonymous(trace: RequestTrace, route: string): void {
    this.tell({ outcome: 'accepted', ...this.describe(trace, route), boundBy: [], anonymous: true });
  }

  refused(error: OAuthError, trace: RequestTrace, route: string): void {
    if (this.log.writes(error)) this.log.refused(error, evidenceOf(trace), { route, policy: this.policy });
    if (!this.isHeard()) return;
    const { refusal, reason, detail, chosenStatus } = error;
    this.tell({
      outcome: outcomeOf(reason),
      reason,
      // `validate` may have chosen a status of its own.
      status: chosenStatus ?? refusal.status,
      error: refusal.code,
      detail,
      claimed: trace.claimed === undefined ? undefined : claimedOrigin(trace.claimed),
      ...this.describe(trace, route),
    });
  }

  private describe(trace: RequestTrace, route: string): DecidedRequest {
    const { policy } = this;
    return { ...describe(trace, route), ...(policy === undefined ? {} : { policy }) };
  }

  private tell(decision: AccessDecision): void {
    Object.freeze(decision);
    decisions.publish(decision);
    for (const listener of this.listeners) this.tellOne(listener, decision);
  }

  /** An async function may reject: that would end the process. */
  private tellOne(listener: DecisionListener, decision: AccessDecision): void {
    try {
      const result: unknown = listener.onDecision(decision);
      if (isPromise(result)) result.then(undefined, (error: unknown) => this.failed(error));
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    const what = 'a DecisionListener threw';
    this.failures.write('error', what, `${what}: ${messageOf(error)}`);
  }
}

function describe(trace: RequestTrace, route: string): DecidedRequest {
  const { startedAt, scheme, tokenDigest, certificateThumbprint, bySession } = trace;
  const { interactionId, cacheHit, verified } = trace;
  return {
    route,
    scheme,
    issuer: verified?.issuer,
    clientId: verified?.clientId,
    subject: verified?.subject,
    tokenDigest,
    certificateThumbprint,
    ...(bySession ? { bySession: true as const } : {}),
    interactionId,
    cacheHit,
    duration: performance.now() - startedAt,
  };
}

/** Text only: a listener must not trip over what an attacker has written. */
function claimedOrigin({ iss, client_id: clientId, sub }: NonNullable<RequestTrace['claimed']>): TokenOrigin {
  return { issuer: textOf(iss), clientId: textOf(clientId), subject: textOf(sub) };
}

const LONGEST_CLAIM = 300;

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, LONGEST_CLAIM) : undefined;
}

function evidenceOf(trace: RequestTrace): RefusalEvidence {
  const { tokenDigest, certificateThumbprint, interactionId } = trace;
  const token = tokenEvidence(trace);
  return {
    ...(token === undefined ? {} : { token }),
    ...(tokenDigest === undefined ? {} : { tokenDigest }),
    ...(certificateThumbprint === undefined ? {} : { certificateThumbprint }),
    ...(interactionId === undefined ? {} : { interactionId }),
  };
}

/** Of a token that is not verified there is what it says of itself. */
function tokenEvidence({ verified, claimed }: RequestTrace): TokenEvidence | undefined {
  if (verified !== undefined) {
    const { issuer, clientId: client, subject } = verified;
    return { verified: true, issuer, client, subject };
  }
  if (claimed === undefined) return undefined;
  const { iss: issuer, client_id: client, sub: subject } = claimed;
  return { verified: false, issuer, client, subject };
}
