import { OAuthError } from '../challenge/oauth-error.js';
import { withoutToken } from '../challenge/without-token.js';
import { withoutSecret } from '../common/without-secret.js';
import type { Check, ExplainedStage, ExplainedStep } from './explanation.js';
import { REMEDIES } from './remedies.js';

/** What is told of a check before it is made. */
export interface Told {
  readonly stage: ExplainedStage;
  readonly check: Check;
  readonly expected: string;
  readonly found: string;
}

/** What came of a check: what it returned, or nothing where it refused. */
export type Outcome<Value> = { readonly kind: 'passed'; readonly value: Value } | { readonly kind: 'failed' };

/** Collects what becomes of the checks of one request. One that refuses does not keep the next from being made. */
export class Steps {
  readonly taken: ExplainedStep[] = [];

  /** What no text may repeat. */
  private secrets: readonly string[];

  /** @param secrets what no text may repeat: the token and the proof */
  constructor(secrets: readonly string[]) {
    this.secrets = secrets;
  }

  /** Nor may any text repeat this, from now on. */
  hide(secret: string): void {
    this.secrets = [...this.secrets, secret];
  }

  /** Makes a check. @throws whatever is no refusal */
  check<Value>(told: Told, make: () => Value): Outcome<Value> {
    try {
      const value = make();
      this.passed(told);
      return { kind: 'passed', value };
    } catch (error) {
      return this.failed(told, error);
    }
  }

  /** Makes a check that has to be waited for. @throws whatever is no refusal, by the promise */
  async checkLater<Value>(told: Told, make: () => Value | Promise<Value>): Promise<Outcome<Value>> {
    try {
      const value = await make();
      this.passed(told);
      return { kind: 'passed', value };
    } catch (error) {
      return this.failed(told, error);
    }
  }

  /** Says why a check was not made. */
  skip(told: Told): void {
    this.add({ ...told, result: 'not-checked' });
  }

  passed(told: Told): void {
    this.add({ ...told, result: 'passed' });
  }

  failed(told: Told, error: unknown): { readonly kind: 'failed' } {
    if (!(error instanceof OAuthError)) throw error;
    const { reason, detail } = this.secrets.reduce(withoutToken, error);
    const found = detail === undefined ? told.found : `${told.found} (${detail})`;
    this.add({ ...told, found, result: 'failed', reason, remedy: REMEDIES[reason] });
    return { kind: 'failed' };
  }

  /** The first check that refused; `undefined` where none did. */
  get firstFailure(): ExplainedStep | undefined {
    return this.taken.find(({ result }) => result === 'failed');
  }

  hasFailed(...checks: readonly Check[]): boolean {
    return this.taken.some(({ check, result }) => result === 'failed' && checks.includes(check));
  }

  wasSkipped(...checks: readonly Check[]): boolean {
    return this.taken.some(({ check, result }) => result === 'not-checked' && checks.includes(check));
  }

  private add(step: ExplainedStep): void {
    const { expected, found } = step;
    this.taken.push({ ...step, expected: this.clean(expected), found: this.clean(found) });
  }

  private clean(text: string): string {
    return this.secrets.reduce(withoutSecret, text);
  }
}
