import { isNodeRedis, type RedisClient } from './redis-client.js';

/** What is used of a copy of a client; which methods it has depends on the package, and on its version. */
interface Copy {
  on(event: string, listener: (...given: readonly unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener?: () => void): Promise<unknown>;
  destroy?(): unknown;
  disconnect(): unknown;
}

/**
 * Listens to a channel by a connection of its own, a copy of the app's, for as long as Redis lets it. Messages may be missed:
 * this says only that something may have happened. A pool of clients cannot be copied: from it nothing is heard.
 * @returns what ends it
 */
export function subscribe(client: RedisClient, channel: string, heard: () => void): () => void {
  const { duplicate } = client as { readonly duplicate?: () => Copy };
  if (duplicate === undefined) return () => undefined;
  const copy = duplicate.call(client);
  // The app hears of the errors of its own client.
  copy.on('error', () => undefined);
  if (isNodeRedis(client)) void subscribeNodeRedis(copy, channel, heard);
  else subscribeIoredis(copy, channel, heard);
  return () => void end(copy);
}

/** It subscribes again by itself when it has connected again. */
async function subscribeNodeRedis(copy: Copy, channel: string, heard: () => void): Promise<void> {
  try {
    await copy.connect();
    await copy.subscribe(channel, heard);
  } catch {
    // It has been ended, or the app's settings say that it must not try again.
  }
}

/** It may have given up a subscription when Redis has been away for long. */
function subscribeIoredis(copy: Copy, channel: string, heard: () => void): void {
  const subscribeNow = (): void => void copy.subscribe(channel).catch(() => undefined);
  copy.on('message', heard);
  copy.on('ready', subscribeNow);
  subscribeNow();
}

/** `destroy` is of `redis` 5 and later. */
async function end(copy: Copy): Promise<void> {
  try {
    await (copy.destroy === undefined ? copy.disconnect() : copy.destroy());
  } catch {
    // It was not connected.
  }
}
