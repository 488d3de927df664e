import type { Acceptance, Refused } from './library.js';
import type { Verdict } from './oracle/verdict.js';

/** What a run has met, so that a property that holds of nothing is seen. */
export class Tally {
  inputs = 0;
  accepted = 0;
  /** The oracle would have let them pass: the library is stricter. */
  readonly stricter = new Map<string, number>();
  readonly reasons = new Map<string, number>();
  readonly whys = new Map<string, number>();
  slowest = 0;

  count(decision: Acceptance | Refused, verdict: Verdict): void {
    this.inputs += 1;
    if (verdict.verdict === 'must-refuse') add(this.whys, verdict.why);
    if (decision.outcome === 'accepted') {
      this.accepted += 1;
      return;
    }
    const { reason } = decision.error;
    add(this.reasons, reason);
    if (verdict.verdict === 'may-accept') add(this.stricter, reason);
  }

  took(milliseconds: number): void {
    this.slowest = Math.max(this.slowest, milliseconds);
  }

  get shareAccepted(): number {
    return this.accepted / this.inputs;
  }

  toString(): string {
    const share = Math.round(this.shareAccepted * 100);
    return [
      `${this.inputs} inputs, ${share} % accepted, the slowest took ${this.slowest.toFixed(1)} ms`,
      `refused: ${list(this.reasons)}`,
      `stricter than the oracle: ${list(this.stricter)}`,
    ].join('\n  ');
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
