import type { Exchange } from '../world/key-ring.js';

/** An answer that is not right; no token is in it. */
export interface WrongDecision {
  readonly kind: string;
  readonly platform: string;
  readonly expected: string;
  readonly got: string;
  /** SHA-256 of the token, base64url. */
  readonly tokenDigest: string | undefined;
  readonly exchange: Exchange;
  /** What the server says of its last decisions on the token. */
  readonly decisions: readonly string[];
}

const SHOWN = 10;

/** Counts what came back. */
export class Tally {
  /** Answers, by kind and status. */
  readonly statuses = new Map<string, Map<number, number>>();
  /** Connections that did not come about, or ended instead of an answer, though nothing had changed. */
  readonly strange: string[] = [];
  answers = 0;
  wrongDecisions = 0;
  /** Requests that went again over another connection, for theirs ended as the CAs changed. */
  sentAgain = 0;
  connections = 0;
  resumed = 0;
  abandoned = 0;
  private readonly waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  count(kind: string, status: number): void {
    const counts = this.statuses.get(kind) ?? new Map<number, number>();
    this.statuses.set(kind, counts);
    counts.set(status, (counts.get(status) ?? 0) + 1);
    this.answers += 1;
    const reached = this.waiting.filter((each) => each.count <= this.answers);
    for (const each of reached) {
      this.waiting.splice(this.waiting.indexOf(each), 1);
      each.resolve();
    }
  }

  /** Notes a wrong decision. @returns whether it is one of the first, which are shown */
  countWrong(): boolean {
    this.wrongDecisions += 1;
    return this.wrongDecisions <= SHOWN;
  }

  /** How many answers had such a status. */
  withStatus(is: (status: number) => boolean): number {
    return [...this.statuses.values()]
      .flatMap((counts) => [...counts])
      .reduce((sum, [status, count]) => (is(status) ? sum + count : sum), 0);
  }

  /** Waits for so many answers. */
  async reached(count: number): Promise<void> {
    if (this.answers >= count) return;
    await new Promise<void>((resolve) => {
      this.waiting.push({ count, resolve });
    });
  }
}
