/** What something took, in milliseconds. */
export interface Cost {
  readonly elapsed: number;
  /** Of this process and its threads: whatever else the machine is busy with. */
  readonly cpu: number;
}

/** A decision takes less than a millisecond. */
const LONGEST_MS = 50;
/** What waits for nothing is not kept waiting so long, on a machine however busy. */
const LONGEST_WAIT_MS = 2_000;

/** Whether something hangs: by what it computes, or by what it waits for. */
export function isTooLong({ elapsed, cpu }: Cost): boolean {
  return (cpu > LONGEST_MS && elapsed > LONGEST_MS) || elapsed > LONGEST_WAIT_MS;
}

/** The first look, which costs nothing itself: whether a second one is worth while. */
export async function timed<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly elapsed: number }> {
  const start = performance.now();
  const result = await work();
  return { result, elapsed: performance.now() - start };
}

export function mayBeTooLong(elapsed: number): boolean {
  return elapsed > LONGEST_MS;
}

export async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const { elapsed } = await timed(work);
  const { user, system } = process.cpuUsage(cpu);
  return { elapsed, cpu: (user + system) / 1000 };
}
