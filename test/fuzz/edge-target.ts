import { CUSTOM, type EdgeTwin, type PolicyName } from './edge-twin.js';
import { type Echo, type Encounter, TURNS } from './encounter.js';
import type { FuzzKit } from './fuzz-kit.js';
import type { Answer } from './http-client.js';
import type { Observation } from './oracle/observation.js';
import { readCertificate } from './oracle/oracle-certificate.js';
import { Oracle } from './oracle/oracle.js';
import { type Told, toldOfCertificate, toldOfToken } from './oracle/oracle-told.js';
import { isRightOnPurpose } from './plan/arbitraries.js';
import { buildInput } from './plan/build.js';
import type { Plan } from './plan/plan.js';
import type { Introspection, Setup, SetupPair } from './setups.js';

/** What a target is made of. */
export interface EdgeTargetParts {
  readonly kit: FuzzKit;
  readonly pair: SetupPair;
  readonly introspection: Introspection;
  readonly twin: EdgeTwin;
}

/** A token that was accepted, and what its server says of it. */
interface EarlierToken {
  readonly token: string;
  readonly plan: Plan;
  readonly introspected: Observation['introspected'];
}

/** Longer, and an app on Node's defaults reads it no more. */
const LONGEST_REQUEST = 15_000;

/**
 * The backend of a proxy, under fire by few tokens that come again and again, with other certificates, to another policy:
 * what it keeps of a token and of a certificate must never be told of another one.
 */
export class EdgeTarget {
  requests = 0;
  accepted = 0;
  private serial = 0;
  private readonly oracles: Readonly<Record<PolicyName, Oracle>>;
  private earlier: readonly EarlierToken[] = [];

  constructor(private readonly parts: EdgeTargetParts) {
    const { one, other } = parts.pair;
    this.oracles = { one: new Oracle(one.policy), other: new Oracle(other.policy) };
  }

  /** @throws Error that says what should not have been */
  async run({ plan, policy, again }: Encounter): Promise<void> {
    await this.sendNew(plan, policy);
    for (const echo of again) await this.sendAgain(echo);
  }

  private async sendNew(plan: Plan, policy: PolicyName): Promise<void> {
    const { seen, token } = this.build(plan, policy);
    const right = isRightOnPurpose(plan, this.setupOf(policy));
    const passed = await this.send(policy, seen, { token, right });
    const { introspected } = seen;
    if (passed) this.earlier = [{ token, plan, introspected }, ...this.earlier].slice(0, TURNS);
  }

  /** The token is known, and stays as it is: what comes with it may differ. */
  private async sendAgain({ policy, ago, change }: Echo): Promise<void> {
    const known = this.earlier[ago % Math.max(1, this.earlier.length)];
    if (known === undefined) return;
    const { token, plan, introspected } = known;
    const again = change === undefined ? plan : { ...plan, faults: [...plan.faults, change] };
    const { seen } = this.build(again, policy, token);
    const right = change === undefined && isRightOnPurpose(plan, this.setupOf(policy));
    await this.send(
      policy,
      { ...seen, ...(introspected === undefined ? {} : { introspected }) },
      { token, right },
    );
  }

  private build(plan: Plan, policy: PolicyName, token?: string): ReturnType<typeof buildInput> {
    this.serial += 1;
    const setup = this.setupOf(policy);
    const context = { kit: this.parts.kit, setup, now: Date.now(), serial: this.serial, nonce: undefined };
    return buildInput(plan, context, token);
  }

  private setupOf(policy: PolicyName): Setup {
    return this.parts.pair[policy];
  }

  /** @returns whether it was accepted */
  private async send(
    policy: PolicyName,
    seen: Observation,
    { token, right }: { readonly token: string; readonly right: boolean },
  ): Promise<boolean> {
    if (seen.headers.flat().join('').length > LONGEST_REQUEST) return false;
    const { introspection, twin } = this.parts;
    introspection.answer(token, seen.introspected ?? { kind: 'failed' });
    const answer = await twin.ask(policy, seen);
    const ofApp = await twin.call(policy, seen);
    introspection.forget(token);
    this.requests += 1;
    if (right && answer.status !== 200) throw new Error(`refused what is right: ${answer.head}`);
    if (answer.status !== 200) {
      this.checkRefusal(policy, seen, answer, ofApp);
      return false;
    }
    this.accepted += 1;
    this.checkAcceptance(policy, seen, answer, ofApp);
    return true;
  }

  private checkRefusal(policy: PolicyName, seen: Observation, answer: Answer, ofApp: Answer): void {
    const [backend, app] = [answer, ofApp].map(({ status, head }) => `${status} ${codeOf(head)}`);
    // The backend tells of the certificate, an app only where a handler asks.
    const { kind } = readCertificate(seen, this.setupOf(policy).policy.certificate);
    const isStricter = ofApp.status === 200 && kind === 'unreadable';
    expectSame('the answer', backend, isStricter ? '400 invalid_request' : app);
    for (const [name, value] of fieldsOf(answer.head)) {
      if (name.startsWith('x-credential-')) throw new Error(`a refusal tells ${name}: ${value}`);
    }
  }

  private checkAcceptance(policy: PolicyName, seen: Observation, answer: Answer, ofApp: Answer): void {
    const verdict = this.oracles[policy].judge(seen);
    if (verdict.verdict === 'must-refuse') throw new Error(`accepted, but ${verdict.why}`);
    this.oracles[policy].accepted(seen, verdict);
    expectSame('the answer of the app', ofApp.status, 200);
    const certificate = toldOfCertificate(seen, this.setupOf(policy).policy.certificate);
    const { thumbprint } = JSON.parse(ofApp.body) as { readonly thumbprint: string };
    expectSame(
      'the certificate of the app',
      thumbprint,
      certificate.get('x-credential-certificate-thumbprint'),
    );
    const empty = Object.keys(CUSTOM[policy === 'one' ? 'other' : 'one']);
    const told = new Map([
      ...toldOfToken(verdict, CUSTOM[policy]),
      ...certificate,
      ...empty.map((name): [string, string] => [name.toLowerCase(), '']),
    ]);
    expectTold(answer.head, told);
  }
}

/** Each header once, with its value, and no other that says anything of a caller. */
function expectTold(head: string, expected: Told): void {
  const fields = fieldsOf(head).filter(([name]) => name.startsWith('x-credential-'));
  expectSame(
    'the names',
    fields
      .map(([name]) => name)
      .toSorted()
      .join(),
    [...expected.keys()].toSorted().join(),
  );
  for (const [name, value] of fields) expectSame(name, decoded(name, value), expected.get(name));
}

/** The items of a list are told apart before they are decoded. */
function decoded(name: string, value: string): string {
  const separator = { 'x-credential-scope': ' ', 'x-credential-aud': ',' }[name];
  if (separator === undefined) return decodeURIComponent(value);
  const items = value.split(separator).map((item) => encodeURIComponent(decodeURIComponent(item)));
  return items.join(separator);
}

function fieldsOf(head: string): readonly (readonly [string, string])[] {
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => {
      const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
      return [name.toLowerCase(), value] as const;
    });
}

/** The error code of the challenge (RFC 6750 §3.1). */
function codeOf(head: string): string | undefined {
  return /^www-authenticate:.*\berror="([^"]*)"/im.exec(head)?.[1];
}

function expectSame(name: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${name}: ${String(actual)}, not ${String(expected)}`);
}
