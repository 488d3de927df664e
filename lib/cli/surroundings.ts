/** The world around a command. */
export interface Surroundings {
  readonly print: (text: string) => unknown;
  readonly complain: (text: string) => unknown;
  /** All of standard input. */
  readonly input: () => Promise<string>;
  /** Settles when a server is to end. */
  readonly untilStopped: () => Promise<unknown>;
}
