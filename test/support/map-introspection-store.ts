import type { IntrospectionStore } from 'nestjs-cert-bound-auth';

/** A store in this process that forgets nothing, and that a test can look into and tamper with. */
export class MapIntrospectionStore implements IntrospectionStore {
  // A private field is lost by whoever copies the object.
  readonly #entries = new Map<string, string>();
  /** How long each entry was to be kept, in seconds, oldest first. */
  readonly lifetimes: number[] = [];
  reads = 0;

  async get(key: string): Promise<string | undefined> {
    this.reads += 1;
    return this.#entries.get(key);
  }

  async set(key: string, value: string, ttlSeconds: number): Promise<void> {
    this.#entries.set(key, value);
    this.lifetimes.push(ttlSeconds);
  }

  get keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Everything that is kept, as text. */
  get dump(): string {
    return [...this.#entries].flat().join('\n');
  }

  /** Changes every value. */
  tamper(change: (value: string, key: string) => string): void {
    for (const [key, value] of this.#entries) this.#entries.set(key, change(value, key));
  }
}
