import { OAuthError, outage } from '../challenge/oauth-error.js';
import { renderFields } from '../common/log-fields.js';
import { CallNotSentError } from './connection-pool.js';
import { publishCall } from '../events/publish-call.js';
import { log } from '../common/log.js';

/** `closed`: calls go through. `open`: none does. `half-open`: the next one does, or does so now, alone. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * Outages in a row that open the circuit. In a row, and not a share of the calls: an endpoint that answers half of them
 * still serves half of the callers.
 */
const OUTAGES = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** For how long another token than those that failed is waited for, as a probe. */
const PREFERENCE_MS = 1_000;
const MOST_SUSPECTS = 1_000;

/** What is the case until it is replaced: a call that began under another one has no say any more. */
type Circuit = Closed | Broken;

interface Closed {
  readonly kind: 'closed';
  outages: number;
}

interface Broken {
  readonly kind: 'open' | 'half-open';
  /** How often in a row, the probes that failed counted. */
  readonly openings: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** What a breaker is told of a call beside the call itself. */
export interface GuardedToken {
  /** SHA-256 of the token that it is about. */
  readonly digest: string;
  /** Makes the same call about a token that no caller has sent. It has connections of its own. */
  readonly probe: () => Promise<unknown>;
}

/**
 * Spares an introspection endpoint that does not answer, and its callers the waiting. Afterwards there is no rush: calls
 * go through as many at a time as there are connections.
 *
 * What a caller has sent never opens it: an endpoint may stumble over odd tokens alone. After five outages in a row, and
 * after one while half-open, a probe about a token of ours settles it, one at a time. Only no connection, no answer in time,
 * 429 and 5xx are outages; whatever else comes is an answer.
 */
export class CircuitBreaker {
  private circuit: Circuit = { kind: 'closed', outages: 0 };
  private isProbing = false;
  /**
   * Digests of the tokens whose calls have failed since the last answer: one token that the endpoint stumbles over must not
   * be the only one that is tried, and keep the circuit open to all.
   */
  private readonly suspects = new Set<string>();

  /** @param random from 0 up to 1, so that the instances of an API do not all come back at once */
  constructor(
    private readonly issuer: string,
    private readonly random: () => number = Math.random,
  ) {}

  get state(): CircuitState {
    const { circuit } = this;
    // Stryker disable next-line ConditionalExpression: what is half-open stays so, and what is closed has no end
    return circuit.kind === 'open' && isOver(circuit) ? 'half-open' : circuit.kind;
  }

  /**
   * Makes a call, unless the last ones have all failed.
   * @throws OAuthError 503 with the seconds until the next one may; else what the call rejects with
   */
  async guard<T>(call: () => Promise<T>, { digest, probe }: GuardedToken): Promise<T> {
    const circuit = this.enter(digest);
    try {
      const answer = await call();
      this.leave(circuit, 'answered');
      return answer;
    } catch (error) {
      const outcome = outcomeOf(error);
      this.leave(circuit, outcome);
      if (outcome === 'outage') this.suspect(circuit, digest, probe);
      throw error;
    }
  }

  /** Lets one call through as a probe when the pause is over. */
  private enter(token: string): Circuit {
    const { circuit } = this;
    if (circuit.kind === 'closed') return circuit;
    if (circuit.kind === 'half-open' || !isOver(circuit)) throw this.refusal(circuit);
    if (this.suspects.has(token) && !isOver(circuit, PREFERENCE_MS)) throw this.refusal(circuit);
    this.circuit = { ...circuit, kind: 'half-open' };
    return this.circuit;
  }

  private leave(circuit: Circuit, outcome: Outcome): void {
    if (circuit !== this.circuit) return;
    if (outcome === 'answered') this.close(circuit);
    else if (outcome === 'none' && circuit.kind !== 'closed') this.open(circuit.openings);
  }

  /** A call has failed: the endpoint is down, or its token is one that the endpoint stumbles over. */
  private suspect(circuit: Circuit, digest: string, probe: GuardedToken['probe']): void {
    if (this.suspects.size < MOST_SUSPECTS) this.suspects.add(digest);
    if (circuit !== this.circuit) return;
    if (circuit.kind === 'closed') circuit.outages += 1;
    if (circuit.kind === 'closed' && circuit.outages < OUTAGES) return;
    // Nobody waits for it. Those that come meanwhile are asked about where the circuit is closed.
    void this.settle(circuit, probe);
  }

  /** Finds out which of both it is. It never rejects. */
  private async settle(circuit: Circuit, probe: GuardedToken['probe']): Promise<void> {
    if (this.isProbing) return;
    this.isProbing = true;
    try {
      await probe();
      this.leave(circuit, 'answered');
    } catch (error) {
      const outcome = outcomeOf(error);
      this.leave(circuit, outcome);
      if (outcome === 'outage' && circuit === this.circuit) this.openAfter(circuit, error);
    } finally {
      this.isProbing = false;
    }
  }

  private openAfter(circuit: Circuit, error: unknown): void {
    if (circuit.kind !== 'closed') {
      this.open(circuit.openings + 1);
      return;
    }
    this.open(1);
    const fields = renderFields({ issuer: this.issuer, last: String(error) });
    log.warn(`introspection has failed ${OUTAGES} times in a row, and is asked less often now: ${fields}`);
  }

  private open(openings: number): void {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (openings - 1));
    const until = Date.now() + pause * (0.5 + this.random() / 2);
    this.circuit = { kind: 'open', openings, until };
  }

  private close(circuit: Circuit): void {
    this.circuit = { kind: 'closed', outages: 0 };
    this.suspects.clear();
    if (circuit.kind === 'closed') return;
    log.log(`introspection answers again: ${renderFields({ issuer: this.issuer })}`);
  }

  private refusal({ until }: Broken): OAuthError {
    publishCall({
      issuer: this.issuer,
      purpose: 'introspection',
      outcome: 'not-sent',
      status: undefined,
      duration: 0,
    });
    const detail = `not asked: the last ${OUTAGES} calls or more have failed`;
    const seconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    return outage('authorization_server_unreachable', { detail }, seconds);
  }
}

/** By a clock that has been set back a pause would be endless. */
function isOver({ until }: Broken, longer = 0): boolean {
  const left = until + longer - Date.now();
  // Stryker disable next-line ArithmeticOperator: who waits for longer has seen that the pause itself is over
  return left <= 0 || left > LONGEST_PAUSE_MS + longer;
}

/** `none`: the endpoint has not been asked. */
type Outcome = 'answered' | 'outage' | 'none';

/** Only outages are held against the endpoint (invariant 14): that it refuses us, or makes no sense, is an answer. */
function outcomeOf(error: unknown): Outcome {
  // Stryker disable next-line StringLiteral: what is neither of the others counts for nothing, whatever it is called
  if (!(error instanceof OAuthError) || error.cause instanceof CallNotSentError) return 'none';
  return error.reason === 'authorization_server_unreachable' && !isNonsense(error.cause)
    ? 'outage'
    : 'answered';
}

const TOO_MUCH: ReadonlySet<unknown> = new Set(['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_HEADERS_OVERFLOW']);

/** What is no HTTP, or more of it than is read, has come all the same. */
function isNonsense(cause: unknown): boolean {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return TOO_MUCH.has(code) || (typeof code === 'string' && code.startsWith('HPE_'));
}
