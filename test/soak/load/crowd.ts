import type { Mix } from './mix.js';
import { type Visited, Visitor } from './visitor.js';

const VISITORS = 40;

/** The visitors, all at once. */
export class Crowd {
  private readonly visitors: readonly Visitor[];
  private readonly running: Promise<unknown>;

  constructor(visited: Visited, mix: Mix) {
    this.visitors = Array.from({ length: VISITORS }, () => new Visitor(visited, mix));
    this.running = Promise.all(this.visitors.map(async (visitor) => visitor.run()));
  }

  /** Goes on until something is done. @throws what a visitor stumbles over */
  async during<T>(something: Promise<T>): Promise<T> {
    const never = this.running.then(async () => something);
    return Promise.race([something, never]);
  }

  /** Sends the visitors home. */
  async stop(): Promise<void> {
    for (const visitor of this.visitors) visitor.stop();
    await this.running;
  }
}
