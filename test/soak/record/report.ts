import type { Kind } from '../kinds/kind.js';
import type { Memory } from '../settings.js';
import type { Tally, WrongDecision } from './tally.js';

const MIB = 2 ** 20;
const HEAP_FACTOR = 1.25;
const HEAP_MORE = 10 * MIB;

/** What a part of the soak has shown. */
export interface Part {
  readonly title: string;
  readonly tally: Tally;
  readonly seconds: number;
  /** What was sent. */
  readonly kinds: readonly Pick<Kind, 'name' | 'proves'>[];
  /** At a quarter, a half, three quarters, and the end; none where nobody has looked. */
  readonly memory: readonly Memory[];
  /** What else is to be told. */
  readonly notes: readonly string[];
  /** What else has failed. */
  readonly failures: readonly string[];
}

/** What a part has failed by; nothing where all is well. */
export function failuresOf({ tally, kinds, memory, failures }: Part): readonly string[] {
  const serverErrors = tally.withStatus((status) => status >= 500 && status !== 503);
  return [
    ...(tally.wrongDecisions === 0 ? [] : [`${tally.wrongDecisions} wrong decisions`]),
    ...(serverErrors === 0 ? [] : [`${serverErrors} answers 5xx other than 503`]),
    ...(tally.strange.length === 0
      ? []
      : [`${tally.strange.length} strange connections, the first: ${tally.strange[0]}`]),
    ...unproved(tally, kinds),
    ...growthOf(memory),
    ...failures,
  ];
}

/** A report for people. */
export function describePart(part: Part): string {
  const { title, tally, seconds, memory, notes } = part;
  const failures = failuresOf(part);
  return [
    `${title}: ${tally.answers} requests in ${seconds.toFixed(1)} s, ${(tally.answers / seconds).toFixed(0)}/s`,
    ...[...tally.statuses].map(([kind, counts]) => `  ${kind.padEnd(56)} ${describeCounts(counts)}`),
    `  connections: ${tally.connections}, of which ${tally.resumed} resumed; requests sent again: ` +
      `${tally.sentAgain}, left unanswered: ${tally.abandoned}`,
    ...notes.map((note) => `  ${note}`),
    ...(memory.length === 0
      ? []
      : [`  memory after gc: ${memory.map((each) => describeMemory(each)).join(', ')}`]),
    ...failures.map((failure) => `  FAILED: ${failure}`),
    ...(failures.length === 0 ? ['  no wrong decision, no 5xx but 503'] : []),
  ].join('\n');
}

/** What has not been shown yet. */
export function unproved(tally: Tally, kinds: Part['kinds']): readonly string[] {
  return kinds.flatMap(({ name, proves }) =>
    proves
      .filter((status) => tally.statuses.get(name)?.has(status) !== true)
      .map((status) => `${name}: never answered ${status}, so nothing was shown`),
  );
}

/** Flat: what is in use at the end is about what was in use at a quarter. */
function growthOf(memory: readonly Memory[]): readonly string[] {
  const [first] = memory;
  const last = memory.at(-1);
  if (first === undefined || last === undefined) return [];
  return last.heap <= first.heap * HEAP_FACTOR + HEAP_MORE ? [] : ['memory grows'];
}

function describeCounts(counts: ReadonlyMap<number, number>): string {
  const sorted = [...counts].toSorted(([a], [b]) => a - b);
  return sorted.map(([status, count]) => `${status}: ${count}`).join(', ');
}

function describeMemory({ heap, rss }: Memory): string {
  return `${(heap / MIB).toFixed(1)} MiB (rss ${(rss / MIB).toFixed(0)})`;
}

/** A wrong decision, in full. */
export function describeWrong({
  kind,
  platform,
  expected,
  got,
  tokenDigest,
  exchange,
  decisions,
}: WrongDecision): string {
  const { sentAt, receivedAt } = exchange;
  return [
    `WRONG ${kind} on ${platform}: expected ${expected}, got ${got}`,
    `    sent ${new Date(sentAt).toISOString()}, answered ${receivedAt - sentAt} ms later, token_sha256=${tokenDigest}`,
    ...decisions.slice(-5).map((decision) => `    the server: ${decision}`),
  ].join('\n');
}
