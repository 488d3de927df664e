import { setTimeout as wait } from 'node:timers/promises';

type Condition = () => unknown;

/** Waits until a condition holds. @throws Error when it does not within this many milliseconds */
export async function eventually(condition: Condition, within = 5000): Promise<void> {
  const deadline = Date.now() + within;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${within} ms: ${condition.toString()}`);
    await wait(10);
  }
}

/** Watches that a condition goes on holding for this many milliseconds. @throws Error when it does not */
export async function always(condition: Condition, during: number): Promise<void> {
  const end = Date.now() + during;
  while (Date.now() < end) {
    if (!(await condition())) throw new Error(`no longer: ${condition.toString()}`);
    await wait(10);
  }
}
