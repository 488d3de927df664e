import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  describeExpiry,
  type Expiring,
  expiringCertificate,
  expiringSoon,
  ExpiryWatch,
} from '../../lib/common/expiry-watch.js';
import { log, logTo } from '../../lib/common/log.js';

const DAY = 86_400_000;
const NOW = Date.parse('2026-06-01T00:00:00Z');

let lines: string[];
beforeEach(() => {
  lines = [];
  const keep = (line: string): void => void lines.push(line);
  logTo({ ...log, warn: keep });
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => vi.useRealTimers());

const list = (until: number): Expiring => ({ what: 'the revocation list ca.crl', until, notice: DAY });

describe('what expires soon', () => {
  test.each([
    [30 * DAY, '30 days'],
    [DAY, '1 days'],
    [DAY - 1, '23 hours'],
    [3_600_000, '1 hours'],
    [59_999, '0 minutes'],
  ])('%i ms before its end, something expires in %s', (left, said) => {
    expect(describeExpiry(list(NOW + left), NOW)).toBe(
      `the revocation list ca.crl expires in ${said}, on ${new Date(NOW + left).toISOString()}`,
    );
  });

  test('what is over is said to have expired', () => {
    const over = describeExpiry(list(NOW - 1), NOW);
    expect(over).toBe('the revocation list ca.crl has expired, on 2026-05-31T23:59:59.999Z');
  });

  test('only what is over within its notice is told of, from the first millisecond on', () => {
    const [soon, later] = [list(NOW + DAY), list(NOW + DAY + 1)];
    expect(expiringSoon([soon, later], NOW)).toEqual([soon]);
  });

  test('a certificate is told of two weeks before its end, by its name on one line', () => {
    const certificate = { subject: 'O=Bank\nCN=api', validTo: 'Jun 15 00:00:00 2026 GMT' };
    const expiring = expiringCertificate('the certificate of this server', certificate);
    expect(expiring.what).toBe('the certificate of this server "O=Bank, CN=api"');
    expect(expiringSoon([expiring], NOW)).toEqual([expiring]);
    expect(expiringSoon([expiring], NOW - 1)).toEqual([]);
  });
});

describe('the watch of what expires', () => {
  test('it warns at its start, once a day, and of what is in force at the moment', () => {
    let inForce = [list(NOW + DAY)];
    const watch = new ExpiryWatch(() => inForce);
    watch.start();
    expect(lines).toEqual([
      'the revocation list ca.crl expires in 1 days, on 2026-06-02T00:00:00.000Z: renew it',
    ]);
    vi.advanceTimersByTime(DAY - 60_000);
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(60_000);
    expect(lines[1]).toContain('expires in 0 minutes');
    inForce = [];
    vi.advanceTimersByTime(2 * DAY);
    expect(lines).toHaveLength(2);
    inForce = [list(NOW + 3 * DAY)];
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(3);
    watch.close();
    vi.advanceTimersByTime(7 * DAY);
    expect(lines).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a clock that is set back does not silence it', () => {
    const watch = new ExpiryWatch(() => [list(NOW)]);
    watch.look(NOW + 2 * DAY);
    watch.look(NOW);
    expect(lines).toHaveLength(2);
  });
});
