import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ServeLog } from '../../lib/cli/serve-log.js';

let written: string[];
let complained: string[];
beforeEach(() => {
  [written, complained] = [[], []];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => complained.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

async function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('the log of serve', () => {
  test('lines for developers that come in one turn of the event loop cost one write, a line each', async () => {
    const log = new ServeLog('debug');
    for (const line of ['one', 'two', 'three']) log.debug(line);
    expect(written).toEqual([]);
    await turn();
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/ DEBUG one\n.* DEBUG two\n.* DEBUG three\n$/);
    log.debug('four');
    await turn();
    expect(written).toHaveLength(2);
  });

  test('a line that is louder is written at once, behind those that have waited', () => {
    const log = new ServeLog('debug');
    log.debug('quiet');
    log.warn('loud');
    expect(written.join('')).toMatch(/DEBUG quiet\n.* WARN loud\n$/);
  });

  test('no line that waits is lost when the server ends: it is written before', async () => {
    const log = new ServeLog('debug');
    log.debug('the last one');
    log.flush();
    expect(written).toEqual([expect.stringContaining('DEBUG the last one\n')]);
    await turn();
    expect(written).toHaveLength(1);
  });

  test('lines below the level of the configuration are not written, and said not to be', async () => {
    const log = new ServeLog('warn');
    for (const level of ['debug', 'log', 'warn', 'error'] as const) log[level](level);
    await turn();
    expect(written).toEqual([expect.stringContaining(' WARN warn\n')]);
    expect(complained).toEqual([expect.stringContaining(' ERROR error\n')]);
    expect((['debug', 'log', 'warn', 'error'] as const).map((level) => log.writes(level))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test('what waits is bounded: a turn with very many lines writes in between', () => {
    const log = new ServeLog('debug');
    for (let index = 0; index < 1000; index += 1) log.debug('x'.repeat(100));
    expect(written.length).toBeGreaterThan(0);
    expect(Math.max(...written.map(({ length }) => length))).toBeLessThan(70_000);
  });
});
