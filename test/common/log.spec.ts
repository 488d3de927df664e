import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
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
    const nest = await import('@nestjs/common');
    const warn = vi.spyOn(nest.Logger.prototype, 'warn').mockImplementation(() => undefined);
    await import(/* @vite-ignore */ path);
    fresh.log.warn('a line');
    expect(warn).toHaveBeenCalledWith('a line');
    warn.mockRestore();
  });

  describe('the log of an app of Nest', () => {
    const service = { error: () => {}, warn: () => {}, log: () => {}, debug: () => {} };
    class Verbose extends ConsoleLogger {
      override debug(): void {}
    }
    const { staticInstanceRef, logLevels } = Logger as unknown as {
      staticInstanceRef: LoggerService;
      logLevels: undefined;
    };

    afterEach(() => {
      Object.assign(Logger, { staticInstanceRef, logLevels });
    });

    test.each([
      ['its default logger', undefined, true],
      ['logger: false', false, false],
      ["logger: ['error']", ['error' as const], false],
      ["logger: ['debug']", ['debug' as const], true],
      ['a ConsoleLogger of level log', new ConsoleLogger({ logLevels: ['log'] }), false],
      ['a ConsoleLogger of level debug', new ConsoleLogger({ logLevels: ['debug'] }), true],
      ['a subclass of ConsoleLogger whose debug is its own', new Verbose('x', { logLevels: ['log'] }), true],
      ['a logger of another make', service, true],
    ])('a debug line is rendered only where it may be written, with %s', (_name, logger, isWritten) => {
      if (logger !== undefined) Logger.overrideLogger(logger);
      expect(log.writes('debug')).toBe(isWritten);
    });

    test('a logger of another make gets debug lines, whatever levels were given before it', () => {
      Logger.overrideLogger(['error']);
      Logger.overrideLogger(service);
      expect(log.writes('debug')).toBe(true);
    });
  });
});
