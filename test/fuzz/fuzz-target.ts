import type { FuzzKit } from './fuzz-kit.js';
import { faultOf } from './known-reasons.js';
import { type Acceptance, Library, type Refused } from './library.js';
import type { Observation } from './oracle/observation.js';
import { Oracle } from './oracle/oracle.js';
import { type Cost, costOf, isTooLong, mayBeTooLong, timed } from './cost.js';
import { membersOf, type Verdict } from './oracle/verdict.js';
import { isRightOnPurpose } from './plan/arbitraries.js';
import { type BuiltInput, buildInput } from './plan/build.js';
import type { Again, Plan } from './plan/plan.js';
import type { Introspection, Setup } from './setups.js';
import type { Tally } from './tally.js';

/** Inputs after which the code is compiled. */
const WARM_UP = 300;
/** Levels of JSON: what an authorization server says has three. */
const DEEPEST = 50;

/** What a target is made of. */
export interface FuzzTargetParts {
  readonly kit: FuzzKit;
  readonly setup: Setup;
  readonly introspection: Introspection;
  readonly clock: FuzzClock;
  readonly tally: Tally;
}

/** The clock that inputs and library see: it stands still during a request. */
export interface FuzzClock {
  /** Moves on by whole seconds, to so many milliseconds behind the full one. @returns milliseconds since the epoch */
  readonly advance: (seconds: number, millis: number) => number;
}

/** One configuration of the library, under fire: everything that must hold of every answer is asserted here. */
export class FuzzTarget {
  private readonly oracle: Oracle;
  private readonly library: Library;
  private nonce: string | undefined;
  private serial = 0;

  constructor(private readonly parts: FuzzTargetParts) {
    this.oracle = new Oracle(parts.setup.policy);
    this.library = new Library(parts.setup.options);
  }

  /** Sends what a plan describes, and again where it says so. @throws Error that says what should not have been */
  async run(plan: Plan): Promise<void> {
    const { kit, setup, clock } = this.parts;
    const right = isRightOnPurpose(plan, setup);
    const now = clock.advance(1, plan.millis);
    await this.renewNonce(now);
    this.serial += 1;
    const context = { kit, setup, now, serial: this.serial, nonce: this.nonce };
    const input = buildInput(plan, context);
    await this.send(input, right);
    if (plan.again === undefined) return;
    const { after } = plan.again;
    const later = after === 0 ? now : clock.advance(after, plan.millis);
    await this.sendAgain(plan, plan.again, input, later, right);
  }

  /** The same token once more: a moment or an hour later, with the same proof or another one, by the same client or not. */
  private async sendAgain(
    plan: Plan,
    again: Again,
    first: BuiltInput,
    now: number,
    right: boolean,
  ): Promise<void> {
    const { kit, setup } = this.parts;
    if (again.proof === 'new') this.serial += 1;
    const context = { kit, setup, now, serial: this.serial, nonce: this.nonce };
    const faults = again.change === undefined ? plan.faults : [...plan.faults, again.change];
    const { seen, secrets } = buildInput({ ...plan, faults }, context, first.token);
    const headers = again.proof === 'new' ? seen.headers : withProofsOf(seen, first.seen);
    const input = { token: first.token, secrets: [...secrets, ...first.secrets], seen: { ...seen, headers } };
    const isNew = again.proof === 'new' || plan.binding === 'certificate' || plan.binding === 'none';
    const answered = { ...input.seen, introspected: first.seen.introspected };
    await this.send(
      { ...input, seen: answered as Observation },
      right && isNew && again.after === 0 && again.change === undefined,
    );
  }

  private async send(input: BuiltInput, mustPass: boolean): Promise<void> {
    const { introspection, tally } = this.parts;
    const { seen } = input;
    introspection.answer(input.token, seen.introspected ?? { kind: 'failed' });
    const verdict = this.oracle.judge(seen);
    const { result: decision, elapsed } = await timed(async () => this.library.decide(seen));
    tally.took(elapsed);
    if (mayBeTooLong(elapsed) && tally.inputs > WARM_UP) await this.checkTime(seen);
    introspection.forget(input.token);
    this.learn(decision, seen.now);
    if (decision.outcome === 'accepted') this.checkAcceptance(decision, verdict, seen);
    else this.checkRefusal(decision, input, mustPass);
    tally.count(decision, verdict);
  }

  private checkAcceptance({ token, trace }: Acceptance, verdict: Verdict, seen: Observation): void {
    if (verdict.verdict === 'must-refuse') throw new Error(`accepted, but ${verdict.why}`);
    this.oracle.accepted(seen, verdict);
    const { claims } = verdict;
    expectSame('issuer', token.issuer, verdict.issuer);
    expectSame('boundBy', token.boundBy.join(), verdict.boundBy.join());
    expectSame('scheme', trace.scheme, verdict.boundBy.includes('dpop') ? 'DPoP' : 'Bearer');
    expectSame('subject', token.subject, claims.get('sub'));
    expectSame('clientId', token.clientId, claims.get('client_id'));
    expectSame('tokenId', token.tokenId, claims.get('jti'));
    expectSame('expiresAt', token.expiresAt, claims.get('exp'));
    expectSame('audience', JSON.stringify(token.audience), JSON.stringify([claims.get('aud') ?? []].flat()));
  }

  private checkRefusal(decision: Refused, { seen, secrets }: BuiltInput, mustPass: boolean): void {
    const { error } = decision;
    const { status, code } = error.refusal;
    const text = `${status} ${code} ${error.reason}: ${error.detail}`;
    if (mustPass) throw new Error(`refused what is right: ${text}`);
    const fault = faultOf(error.reason);
    if (fault === undefined) throw new Error(`a reason that can't be: ${text}`);
    if (status >= 500 !== (fault === 'server')) throw new Error(`a status for another fault: ${text}`);
    if (fault === 'server' && isAnswer(seen)) throw new Error(`blames a server that has answered: ${text}`);
    if (!isKnownCode(status, code)) throw new Error(`a status and a code that don't go together: ${text}`);
    const told = this.library.told(decision, `${seen.method} /`);
    expectNoSecret([...told, error.message, String(error.cause)], secrets);
    if (told.length !== 2 || !/^[\x20-\x7e]+$/.test(told[0] ?? '')) {
      throw new Error(`the log is not one line of printable ASCII: ${told.join(' | ')}`);
    }
  }

  /** A pause of the garbage collector is no hang: what hangs does so each time, with nothing remembered. */
  private async checkTime(seen: Observation): Promise<void> {
    const costs: Cost[] = [];
    while (costs.length < 3 && costs.every(isTooLong)) {
      const library = this.library.fresh();
      costs.push(await costOf(async () => library.decide(seen)));
    }
    if (costs.every(isTooLong)) throw new Error(`it takes long each time (ms): ${JSON.stringify(costs)}`);
  }

  private learn(decision: Acceptance | Refused, now: number): void {
    const refusal = decision.outcome === 'refused' ? decision.error.refusal : undefined;
    const nonce =
      decision.outcome === 'accepted'
        ? decision.nextNonce
        : refusal?.code === 'use_dpop_nonce'
          ? refusal.nonce
          : undefined;
    if (nonce === undefined) return;
    this.nonce = nonce;
    this.oracle.gave(nonce, now);
  }

  /** Asks for a nonce as a client does: it sends a proof without one. */
  private async renewNonce(now: number): Promise<void> {
    const { dpop } = this.parts.setup.policy;
    if (dpop === undefined || dpop.nonce === 'off') return;
    const { kit, setup } = this.parts;
    this.serial += 1;
    const plan: Plan = { ...RIGHT, binding: 'key' };
    const { seen } = buildInput(plan, { kit, setup, now, serial: this.serial, nonce: undefined });
    this.learn(await this.library.decide(seen), now);
  }
}

const RIGHT: Plan = {
  setup: 0,
  kind: 'jwt',
  binding: 'certificate',
  issuer: 'a',
  key: 0,
  clientKey: 0,
  publicUrl: 0,
  path: '/',
  method: 'GET',
  millis: 0,
  variations: [],
  faults: [],
};

/** RFC 7662 §2.2: an object with `active`; nested so deeply that it was made to do harm, it is none. */
function isAnswer({ introspected }: Observation): boolean {
  if (introspected?.kind !== 'json') return false;
  const { json } = introspected;
  if (json === undefined) return true;
  return membersOf(json)?.has('active') === true && !isNestedDeeply(json);
}

function isNestedDeeply(json: unknown): boolean {
  let level = [json];
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return level.length > 0;
}

function isKnownCode(status: number, code: string | undefined): boolean {
  if (status === 400) return code === 'invalid_request';
  if (status === 503) return code === undefined;
  const codes = [undefined, 'invalid_token', 'invalid_dpop_proof', 'use_dpop_nonce'];
  return status === 401 && codes.includes(code);
}

function expectSame(name: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${name} is ${String(actual)}, not ${String(expected)}`);
}

function expectNoSecret(texts: readonly string[], secrets: readonly string[]): void {
  for (const secret of secrets) {
    const text = texts.find((candidate) => candidate.includes(secret));
    if (text !== undefined) throw new Error(`it tells a secret: ${text}`);
  }
}

/** The proofs of the first request are sent with the second one. */
function withProofsOf(seen: Observation, first: Observation): Observation['headers'] {
  const isProof = ([name]: Observation['headers'][number]): boolean => name.toLowerCase() === 'dpop';
  return [...seen.headers.filter((header) => !isProof(header)), ...first.headers.filter(isProof)];
}
