import type { RequestList } from './request-list.js';

/** A client that stays connected. */
export interface Caller {
  /** Sends a message, and waits for its answer. @throws Error when it is refused */
  call(): Promise<void>;
  close(): void;
}

/** Clients that speak another protocol than HTTP/1.1, by the library that its users have. */
export class CallPool {
  constructor(private readonly callers: readonly Caller[]) {}

  /** As many calls as the list has, as many at once as there are clients. @returns how many were answered */
  async run(requests: RequestList): Promise<number> {
    const counts = await Promise.all(this.callers.map(async (caller) => callInTurn(caller, requests)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  close(): void {
    for (const caller of this.callers) caller.close();
  }
}

async function callInTurn(caller: Caller, requests: RequestList): Promise<number> {
  let count = 0;
  for (; requests.next() !== undefined; count += 1) await caller.call();
  return count;
}
