/** The longest that a timer of Node can wait, in milliseconds: one that is to wait longer fires at once. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Does something at a moment, however far away it is. It keeps no process alive.
 * @param moment milliseconds since the epoch
 * @returns what takes it back
 */
export function atTime(moment: number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const left = Math.max(0, moment - Date.now());
    timer = setTimeout(left > LONGEST_TIMER_MS ? wait : act, Math.min(left, LONGEST_TIMER_MS)).unref();
  };
  wait();
  return () => clearTimeout(timer);
}
