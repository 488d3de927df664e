import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BoundedLog } from '../../lib/common/bounded-log.js';
import { RecordingLogger } from '../support/recording-logger.js';

let log: RecordingLogger;
let bounded: BoundedLog;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  log = new RecordingLogger();
  Logger.overrideLogger(log);
  bounded = new BoundedLog();
});
afterEach(() => {
  vi.useRealTimers();
  Logger.overrideLogger(false);
});

const write = (times: number, kind = 'a kind'): void => {
  for (let i = 0; i < times; i++) bounded.write('error', kind, `${kind}, line ${i + 1}`);
};
const lines = (): readonly string[] => log.ours.map(({ level, text }) => `${level}: ${text}`);

describe('invariant 14: lines that callers can cause', () => {
  test('lines that callers can cause are ten of a kind within a minute; then one says how many were left out', () => {
    write(1_010);
    expect(lines()).toEqual(Array.from({ length: 10 }, (_, index) => `error: a kind, line ${index + 1}`));
    vi.advanceTimersByTime(59_999);
    expect(lines()).toHaveLength(10);
    vi.advanceTimersByTime(1);
    expect(lines().slice(10)).toEqual(['warn: lines left out within a minute: 1000 (a kind)']);
    vi.advanceTimersByTime(600_000);
    expect(lines()).toHaveLength(11);
  });

  test('lines that callers can cause are ten again in the next minute', () => {
    write(11);
    vi.advanceTimersByTime(60_000);
    write(11);
    expect(lines()).toHaveLength(10 + 1 + 10);
  });

  test('lines that callers can cause are counted by kind', () => {
    write(12);
    write(11, 'another');
    write(10, 'a third');
    vi.advanceTimersByTime(60_000);
    expect(lines().filter((line) => line.includes('left out'))).toEqual([
      'warn: lines left out within a minute: 2 (a kind)',
      'warn: lines left out within a minute: 1 (another)',
    ]);
    expect(lines()).toHaveLength(32);
  });

  test('lines that callers can cause are counted where the minute is over and no timer has run, and by a clock that has been set back', () => {
    write(11);
    vi.setSystemTime(Date.now() + 60_000);
    write(1);
    expect(lines().slice(10)).toEqual([
      'warn: lines left out within a minute: 1 (a kind)',
      'error: a kind, line 1',
    ]);
    write(10);
    vi.setSystemTime(Date.now() - 3_600_000);
    write(1);
    expect(lines().slice(21)).toEqual([
      'warn: lines left out within a minute: 1 (a kind)',
      'error: a kind, line 1',
    ]);
  });

  test('lines that callers can cause are of a thousand kinds at most: of the oldest, the count is told when it is forgotten', () => {
    write(11);
    for (let kind = 0; kind < 1_000; kind++) write(1, `kind ${kind}`);
    expect(lines().filter((line) => line.includes('left out'))).toEqual([
      'warn: lines left out within a minute: 1 (a kind)',
    ]);
  });
});
