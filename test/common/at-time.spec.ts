import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { atTime } from '../../lib/common/at-time.js';

const DAY = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['in a minute', 60_000],
  ['in 100 days, which is more than a timer of Node can wait', 100 * DAY],
])('what is to be done %s is done then, and once', (_, after) => {
  const act = vi.fn();
  atTime(Date.now() + after, act);
  vi.advanceTimersByTime(after - 1);
  expect(act).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(200 * DAY);
  expect(act).toHaveBeenCalledTimes(1);
});

test('what was to be done a moment ago is done at once', () => {
  const act = vi.fn();
  atTime(Date.now() - 1, act);
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledTimes(1);
});

test('what was taken back is not done, however long it has waited already', () => {
  const act = vi.fn();
  const takeBack = atTime(Date.now() + 60 * DAY, act);
  vi.advanceTimersByTime(50 * DAY);
  takeBack();
  vi.advanceTimersByTime(200 * DAY);
  expect(act).not.toHaveBeenCalled();
});
