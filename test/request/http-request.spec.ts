import { describe, expect, test } from 'vitest';
import { type HttpRequest, requestPathOf } from '../../lib/request/http-request.js';

const requestOf = (url: string | undefined): HttpRequest => ({ url }) as unknown as HttpRequest;

describe('RFC9449-2: the path of a request', () => {
  test.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a?b=/c', '/a'],
    ['/?', '/'],
    ['/a//b', '/a//b'],
    ['/a%2Fb%5Cc', '/a%2Fb%5Cc'],
    ['/a|{b}', '/a|{b}'],
    ['/a?b\\c', '/a'],
    ['/a/http://api.example.com/b', '/a/http://api.example.com/b'],
    ['http://api.example.com/a', '/a'],
    ['https://api-1.example.com/a?b', '/a'],
    ['HTTPS://API.example.com:8443/a', '/a'],
    ['http://127.0.0.1:80/a', '/a'],
    ['http://[::1]/a', '/a'],
    ['http://[2001:DB8::7f]:8443/', '/'],
    ['/.a', '/.a'],
    ['/a.', '/a.'],
    ['/a/...', '/a/...'],
    ['/.well-known/a', '/.well-known/a'],
    ['/a..b/%2e%2e%2e', '/a..b/%2e%2e%2e'],
    ['/a?b=/../c', '/a'],
  ])('the path of %s is %s', (target, path) => {
    expect(requestPathOf(requestOf(target))).toBe(path);
  });

  test.each([
    '*',
    '',
    undefined,
    'a',
    'api.example.com:443',
    'http://api.example.com',
    'http://api.example.com:/a',
    'http://api.example.com:x/a',
    'http://api.example.com?a',
    'http://user@api.example.com/a',
    'http:///a',
    'http:/a',
    'ftp://api.example.com/a',
    'x-http://api.example.com/a',
    'http://[]/a',
    'http://[::1/a',
    'http://[::g]/a',
    '//a',
    '///a',
    'http://api.example.com//a',
    '/a#b',
    '/a?b#c',
    '/#',
    '/a\\b',
    '\\a',
    '/\\api.example.com/a',
    '/a b',
    '/a\tb',
    '/a\u0000',
    '/a\u007f',
    '/a\u00a0',
    '/\u00e9',
    '/\ufeffa',
    '/a%',
    '/a%2',
    '/a%zz',
    '/.',
    '/..',
    '/a/.',
    '/a/..',
    '/a/./b',
    '/a/../b',
    '/./a?b',
    '/a/%2e/b',
    '/a/%2E%2e/b',
    '/a/.%2e',
    'http://api.example.com/a/../b',
  ])('the path of %s is uncertain, because the router may read another one', (target) => {
    expect(requestPathOf(requestOf(target))).toBeUndefined();
  });

  test('the path is what was sent, not what a router on the way has left of it', () => {
    const raw = { url: '/b' } as HttpRequest['raw'];
    expect(requestPathOf({ raw, originalUrl: '/a/b' } as HttpRequest)).toBe('/a/b');
    expect(requestPathOf({ raw } as HttpRequest)).toBe('/b');
  });
});
