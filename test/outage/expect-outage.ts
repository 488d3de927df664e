import { expect } from 'vitest';
import type { OutageWorld, Target } from './outage-world.js';

/** Milliseconds; generous, because the machine may be busy, but not endless. */
const BOUND = 15_000;

/** Expects that a request with this token soon gets 503 with Retry-After, and that no other request is affected. */
export async function expectOutage(world: OutageWorld, token: string, target: Target): Promise<void> {
  const [cold, withoutToken, open] = await Promise.all([
    world.call('/', token),
    world.call('/'),
    world.call('/public'),
  ]);
  expect([cold.status, withoutToken.status, open.status], target).toEqual([503, 401, 200]);
  expect(cold.retryAfter, target).toBeGreaterThanOrEqual(1);
  expect(cold.duration, target).toBeLessThan(BOUND);
}
