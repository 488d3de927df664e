import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { OAuthError } from '../../lib/challenge/oauth-error.js';
import { requireOwnPage, saysOwnPage } from '../../lib/session/own-page.js';

const RULES = { csrfHeader: 'X-Requested-With', origins: ['https://app.example.com'] };
const OWN = 'https://api.example.com';

const requestOf = (method: string | undefined, headers: readonly string[]): IncomingMessage =>
  ({
    method,
    rawHeaders: ['Host', 'api.example.com', ...headers],
    headers: {},
  }) as unknown as IncomingMessage;

function passes(method: string | undefined, headers: readonly string[]): boolean {
  try {
    requireOwnPage(requestOf(method, headers), RULES);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(OAuthError);
    expect(error).toMatchObject({ reason: 'session_foreign_page', refusal: { status: 403 } });
    return false;
  }
}

const CUSTOM = ['x-requested-with', 'fetch'];
const site = (name: string): readonly string[] => ['Sec-Fetch-Site', name];

describe('requests by a session, and the pages that they come from', () => {
  test.each(['GET', 'HEAD', 'OPTIONS'])('%s passes, unless it is from a page of another site', (method) => {
    for (const name of ['same-origin', 'same-site', 'none']) expect(passes(method, site(name))).toBe(true);
    expect(passes(method, [])).toBe(true);
    expect(passes(method, ['Origin', 'https://evil.example'])).toBe(true);
    expect(passes(method, site('cross-site'))).toBe(false);
    expect(passes(method, [...site('cross-site'), ...CUSTOM])).toBe(false);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'QUERY', 'get', undefined])(
    'the method %s passes with the header of the option, or from a page of the same origin',
    (method) => {
      expect(passes(method, CUSTOM)).toBe(true);
      expect(passes(method, site('same-origin'))).toBe(true);
      expect(passes(method, [...site('same-site'), ...CUSTOM])).toBe(true);
      expect(passes(method, [...site('cross-site'), ...CUSTOM])).toBe(false);
      for (const name of ['same-site', 'none', 'cross-site', '', 'Same-Origin'])
        expect(passes(method, site(name)), name).toBe(false);
      expect(passes(method, [])).toBe(false);
      expect(passes(method, ['x-requested-with', ''])).toBe(false);
      expect(passes(method, ['Origin', OWN])).toBe(false);
      expect(passes(method, [...site('same-origin'), ...site('same-site')])).toBe(false);
      expect(passes(method, [...site('same-origin'), ...site('cross-site')])).toBe(false);
    },
  );

  test.each<[readonly string[]]>([[['Upgrade', 'websocket']], [['Sec-WebSocket-Key', 'AAAA']]])(
    'a handshake with %j passes from a page of the same origin alone, or one that is named',
    (handshake) => {
      const connect = (...headers: readonly string[]): boolean => passes('GET', [...handshake, ...headers]);
      expect(connect(...site('same-origin'))).toBe(true);
      expect(connect(...CUSTOM)).toBe(true);
      expect(connect('Origin', OWN)).toBe(true);
      expect(connect('Origin', 'https://API.example.com')).toBe(true);
      expect(connect('Origin', 'https://app.example.com')).toBe(true);
      expect(connect()).toBe(false);
      for (const origin of [
        'http://api.example.com',
        'https://api.example.com:8443',
        'https://evil.example',
        'null',
        '',
      ])
        expect(connect('Origin', origin), origin).toBe(false);
      expect(connect('Origin', OWN, 'Origin', OWN)).toBe(false);
      expect(connect('Origin', OWN, 'Host', 'api.example.com')).toBe(false);
      expect(connect(...site('cross-site'), 'Origin', OWN)).toBe(false);
    },
  );

  test('a request says that it is from an own page by the same headers, whatever its method', () => {
    const says = (...headers: readonly string[]): boolean => saysOwnPage(requestOf('GET', headers), RULES);
    expect(says(...CUSTOM)).toBe(true);
    expect(says(...site('same-origin'))).toBe(true);
    expect(says(...site('same-site'))).toBe(false);
    expect(says(...site('cross-site'), ...CUSTOM)).toBe(false);
    expect(says()).toBe(false);
  });
});
