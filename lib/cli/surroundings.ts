/** The world around a command. */
export interface Surroundings {
  readonly print: (text: string) => unknown;
  readonly complain: (text: string) => unknown;
  /** Settles when a server is to end. */
  readonly untilStopped: () => Promise<unknown>;
}
