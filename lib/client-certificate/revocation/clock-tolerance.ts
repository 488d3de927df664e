/** Milliseconds by which the clock of a CA may differ from ours. */
export const CLOCK_TOLERANCE_MS = 60_000;
