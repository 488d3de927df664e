import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { OAuthError } from '../../lib/challenge/oauth-error.js';
import type { Acceptance, BindingMethod } from '../../lib/decision.js';
import type { NodeRequest } from '../../lib/request/http-request.js';
import { SessionCookies } from '../../lib/session/session-cookies.js';
import type { SessionSettings } from '../../lib/session/session-settings.js';

const SETTINGS: SessionSettings = {
  secrets: ['a secret of this app alone, 32 bytes and more'],
  cookie: '__Host-session',
  lifetime: 300,
  idle: 100,
  csrfHeader: 'X-Requested-With',
  origins: [],
};
const THUMBPRINT = 'A'.repeat(43);
const NOW = 1_700_000_000;

const requestOf = (headers: readonly string[]): NodeRequest =>
  ({ method: 'GET', rawHeaders: headers, headers: {}, url: '/' }) as unknown as NodeRequest;

const acceptedBy = (boundBy: readonly BindingMethod[], certificateThumbprint?: string): Acceptance =>
  ({ proved: { boundBy }, trace: { certificateThumbprint } }) as unknown as Acceptance;

const bearer = (token: string): NodeRequest => requestOf(['Authorization', `Bearer ${token}`]);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function opened(cookies: SessionCookies, token: string, age = 0) {
  const line = cookies.startedBy(bearer(token), acceptedBy(['certificate'], THUMBPRINT)) ?? '';
  const sent = cookies.sentIn(requestOf(['Cookie', line.split(';')[0] ?? '']));
  return sent?.open(THUMBPRINT, NOW + age);
}

describe('the cookies of sessions', () => {
  test('only what a certificate alone binds, and has been proved, gets a session', () => {
    const cookies = new SessionCookies(SETTINGS);
    const started = (accepted: Acceptance) => cookies.startedBy(bearer('a.b.c'), accepted);
    expect(started(acceptedBy(['certificate'], THUMBPRINT))).toBeDefined();
    expect(started(acceptedBy(['certificate']))).toBeUndefined();
    expect(started(acceptedBy(['certificate', 'dpop'], THUMBPRINT))).toBeUndefined();
    expect(started(acceptedBy(['dpop'], THUMBPRINT))).toBeUndefined();
    expect(started(acceptedBy([], THUMBPRINT))).toBeUndefined();
  });

  test('a cookie takes 4096 bytes at most, with all that it says', () => {
    const cookies = new SessionCookies(SETTINGS);
    const lengths = Array.from({ length: 40 }, (_, more) => 2_960 + more).map(
      (length) =>
        cookies.startedBy(bearer('t'.repeat(length)), acceptedBy(['certificate'], THUMBPRINT))?.length,
    );
    const held = lengths.filter((length) => length !== undefined);
    expect(Math.max(...held)).toBeGreaterThan(4_090);
    expect(Math.max(...held)).toBeLessThanOrEqual(4_096);
    expect(held.length).toBeLessThan(lengths.length);
  });

  test('the largest one is opened again', () => {
    const token = 't'.repeat(2_970);
    expect(opened(new SessionCookies(SETTINGS), token)?.token).toBe(token);
  });

  test('INV5: what goes on by a session ends with its lifetime, or with its token, whichever is sooner', () => {
    const session = opened(new SessionCookies(SETTINGS), 'a.b.c');
    expect(session?.goOn(['certificate'], (NOW + 1_000) * 1_000)).toEqual({
      sessionCookie: undefined,
      validUntil: (NOW + 300) * 1_000,
    });
    expect(session?.goOn(['certificate'], (NOW + 200) * 1_000).validUntil).toBe((NOW + 200) * 1_000);
  });

  test('a session stands for no token that its certificate does not bind, or not alone', () => {
    const session = opened(new SessionCookies(SETTINGS), 'a.b.c');
    for (const boundBy of [[], ['dpop'], ['certificate', 'dpop']] as const)
      expect(() => session?.goOn(boundBy, NOW * 1_000)).toThrow(OAuthError);
  });

  test('a new cookie does not make a session last longer', () => {
    const cookies = new SessionCookies(SETTINGS);
    const line = opened(cookies, 'a.b.c', 90)?.goOn(['certificate'], 2 * NOW * 1_000).sessionCookie ?? '';
    const renewed = cookies.sentIn(requestOf(['cookie', line.split(';')[0] ?? '']));
    expect(renewed?.open(THUMBPRINT, NOW + 90).end).toBe(NOW + 300);
    expect(() => renewed?.open(THUMBPRINT, NOW + 300)).toThrow('session_expired');
    expect(() => renewed?.open(THUMBPRINT, NOW + 189).requireInUse()).not.toThrow();
    expect(() => renewed?.open(THUMBPRINT, NOW + 190).requireInUse()).toThrow('session_expired');
  });
});
