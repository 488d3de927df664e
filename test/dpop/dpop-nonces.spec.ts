import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DpopNonces } from '../../lib/dpop/dpop-nonces.js';

const SECRET = randomBytes(32);
const LIFETIME = 300;
const WINDOW = 150_000;
const START = 1000 * WINDOW;

describe('RFC9449-6: the nonces of DPoP', () => {
  const nonces = new DpopNonces(SECRET, LIFETIME);

  test('a nonce is handed out for one window, and accepted in it and in the next', () => {
    const nonce = nonces.current(START);
    expect(nonces.current(START + WINDOW - 1)).toBe(nonce);
    expect(nonces.judge(nonce, START).kind).toBe('current');
    expect(nonces.judge(nonce, START + WINDOW - 1).kind).toBe('current');
    expect(nonces.judge(nonce, START + WINDOW).kind).toBe('about-to-expire');
    expect(nonces.judge(nonce, START + 2 * WINDOW - 1).kind).toBe('about-to-expire');
    expect(nonces.judge(nonce, START + 2 * WINDOW).kind).toBe('unknown');
    expect(nonces.judge(nonce, START + 1000 * WINDOW).kind).toBe('unknown');
  });

  test('an instance whose clock is behind knows the nonce of the next window, and no later one', () => {
    const ahead = nonces.current(START + WINDOW);
    expect(nonces.judge(ahead, START).kind).toBe('current');
    expect(nonces.judge(ahead, START - 1).kind).toBe('unknown');
  });

  test('the verdict says until when a nonce is accepted, also for the nonce of the next window', () => {
    const [previous, present, next] = [-1, 0, 1].map((window) => nonces.current(START + window * WINDOW));
    expect(nonces.judge(previous, START)).toEqual({ kind: 'about-to-expire', expiresAt: START + WINDOW });
    expect(nonces.judge(present, START)).toEqual({ kind: 'current', expiresAt: START + 2 * WINDOW });
    expect(nonces.judge(next, START)).toEqual({ kind: 'current', expiresAt: START + 3 * WINDOW });
  });

  test('nonces differ by window, by secret and by lifetime', () => {
    const all = [
      nonces.current(START),
      nonces.current(START + WINDOW),
      new DpopNonces(randomBytes(32), LIFETIME).current(START),
      new DpopNonces(SECRET, LIFETIME * 2).current(START),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  test('instances with the same secret agree, whatever they were asked before', () => {
    const other = new DpopNonces(SECRET, LIFETIME);
    other.current(START + 5 * WINDOW);
    expect(other.judge(nonces.current(START), START).kind).toBe('current');
  });

  test('a nonce has 256 bits, in characters that any header can hold', () => {
    expect(new DpopNonces(SECRET, LIFETIME).current(START)).toMatch(/^[\w-]{43}$/);
  });

  test.each([undefined, '', 'x', 'a'.repeat(43), 'é'.repeat(43)])(
    'the value %j is an unknown nonce',
    (nonce) => {
      expect(nonces.judge(nonce, START).kind).toBe('unknown');
    },
  );
});
