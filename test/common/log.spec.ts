import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Log, log, logTo } from '../../lib/common/log.js';
import { logToNest } from '../../lib/nest/log/log-to-nest.js';

const recorded: string[] = [];
const recorder: Log = {
  error: (line) => recorded.push(`error ${line}`),
  warn: (line) => recorded.push(`warn ${line}`),
  log: (line) => recorded.push(`log ${line}`),
  debug: (line) => recorded.push(`debug ${line}`),
};

afterEach(() => {
  logToNest();
  recorded.length = 0;
  vi.resetModules();
});

describe('the log of this process', () => {
  test('sends every line to the log that it was given last, at its own level', () => {
    logTo(recorder);
    log.error('one');
    log.warn('two');
    log.log('three');
    log.debug('four');
    expect(recorded).toEqual(['error one', 'warn two', 'log three', 'debug four']);
  });

  test('writes to standard error, without debug lines, until it is given another log', async () => {
    const written: unknown[] = [];
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(text) > 0);
    vi.resetModules();
    const fresh = await import('../../lib/common/log.js');
    fresh.log.error('one');
    fresh.log.warn('two');
    fresh.log.log('three');
    fresh.log.debug('four');
    write.mockRestore();
    expect(written).toEqual(['ERROR one\n', 'WARN two\n', 'LOG three\n']);
  });

  test.each([
    ['CertBoundAuthModule', '../../lib/nest/cert-bound-auth.module.js'],
    ['ForwardAuthModule', '../../lib/forward-auth/forward-auth.module.js'],
    ['watchTls', '../../lib/nest/tls/watch-tls.js'],
  ])('goes to the Logger of Nest as soon as %s is imported', async (_name, path) => {
    vi.resetModules();
    const fresh = await import('../../lib/common/log.js');
    const { Logger } = await import('@nestjs/common');
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await import(/* @vite-ignore */ path);
    fresh.log.warn('a line');
    expect(warn).toHaveBeenCalledWith('a line');
    warn.mockRestore();
  });
});
