import { describe, expect, test } from 'vitest';
import { SessionSeal } from '../../lib/session/session-seal.js';

const SECRET = 'a secret of this app alone, 32 bytes and more';
const OTHER = 'another secret of 32 bytes, of another app';
const COOKIE = '__Host-session';
const [THUMBPRINT, THIEFS] = ['A'.repeat(43), 'B'.repeat(43)];
const SESSION = { token: 'eyJ.e30.c2ln', startedAt: 1_700_000_000, sealedAt: 1_700_000_060 };

const sealBy = (...secrets: readonly [string, ...string[]]): SessionSeal =>
  new SessionSeal({ secrets, cookie: COOKIE });

describe('the seal of sessions', () => {
  test('what is sealed opens as it was, and each time into another text', () => {
    const seal = sealBy(SECRET);
    const value = seal.seal(SESSION, THUMBPRINT);
    expect(seal.open(value, THUMBPRINT)).toEqual({ ...SESSION, isOld: false });
    expect(value).not.toContain(Buffer.from(SESSION.token).toString('base64url').slice(0, 8));
    expect(seal.seal(SESSION, THUMBPRINT)).not.toBe(value);
  });

  test('no byte of what was sealed can be changed, left out or added', () => {
    const seal = sealBy(SECRET);
    const bytes = Buffer.from(seal.seal(SESSION, THUMBPRINT), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of [1, 128]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bit;
        expect(seal.open(changed.toString('base64url'), THUMBPRINT), `byte ${at}`).toBeUndefined();
      }
      expect(seal.open(bytes.subarray(0, at).toString('base64url'), THUMBPRINT)).toBeUndefined();
      expect(seal.open(bytes.subarray(at + 1).toString('base64url'), THUMBPRINT)).toBeUndefined();
    }
    expect(seal.open(Buffer.concat([bytes, bytes]).toString('base64url'), THUMBPRINT)).toBeUndefined();
  });

  test('no other text opens, though it stands for the same bytes', () => {
    const seal = sealBy(SECRET);
    const value = seal.seal({ ...SESSION, token: 'a.bc' }, THUMBPRINT);
    expect(Buffer.from(value, 'base64url').length % 3).not.toBe(0);
    const alike = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      .split('')
      .map((letter) => value.slice(0, -1) + letter)
      .filter((text) => Buffer.from(text, 'base64url').equals(Buffer.from(value, 'base64url')));
    expect(alike.length).toBeGreaterThan(1);
    const others = alike.filter((text) => text !== value);
    for (const text of [...others, `${value}=`, `"${value}"`, ` ${value}`, `${value} `, '', '-'])
      expect(seal.open(text, THUMBPRINT), text).toBeUndefined();
  });

  test('it opens with no other certificate, secret or name of a cookie', () => {
    const value = sealBy(SECRET).seal(SESSION, THUMBPRINT);
    expect(sealBy(SECRET).open(value, THIEFS)).toBeUndefined();
    expect(sealBy(SECRET).open(value, '')).toBeUndefined();
    for (const seal of [sealBy(OTHER), sealBy(OTHER, `third ${OTHER}`)])
      expect(seal.open(value, THUMBPRINT)).toBeUndefined();
    const named = new SessionSeal({ secrets: [SECRET], cookie: '__Host-other' });
    expect(named.open(value, THUMBPRINT)).toBeUndefined();
  });

  test('the first secret seals and all open, and what another one has sealed is told apart', () => {
    const value = sealBy(SECRET).seal(SESSION, THUMBPRINT);
    expect(sealBy(OTHER, SECRET).open(value, THUMBPRINT)).toEqual({ ...SESSION, isOld: true });
    expect(sealBy(OTHER).open(sealBy(OTHER, SECRET).seal(SESSION, THUMBPRINT), THUMBPRINT)).toEqual({
      ...SESSION,
      isOld: false,
    });
  });
});
