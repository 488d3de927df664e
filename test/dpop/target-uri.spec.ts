import { describe, expect, test } from 'vitest';
import { normalizeBase, normalizeTargetUri, targetUriOf } from '../../lib/dpop/target-uri.js';

describe('RFC9449-2: target URIs are compared by RFC 3986', () => {
  const same: readonly (readonly [string, string, string])[] = [
    ['the case of the scheme', 'HTTPS://api.example.com/a', 'https://api.example.com/a'],
    ['the case of the host', 'https://API.Example.COM/a', 'https://api.example.com/a'],
    ['a default port', 'https://api.example.com:443/a', 'https://api.example.com/a'],
    ['an empty port', 'https://api.example.com:/a', 'https://api.example.com/a'],
    ['the default port of http', 'http://localhost:80/a', 'http://localhost/a'],
    ['an empty path', 'https://api.example.com', 'https://api.example.com/'],
    ['the case of percent-encoding', 'https://api.example.com/%c3%a9', 'https://api.example.com/%C3%A9'],
    [
      'encoded unreserved characters',
      'https://api.example.com/%61%2D%2e%5f%7E',
      'https://api.example.com/a-._~',
    ],
    ['dot segments', 'https://api.example.com/x/../a/./b', 'https://api.example.com/a/b'],
    ['encoded dot segments', 'https://api.example.com/x/%2E%2e/a', 'https://api.example.com/a'],
    ['a query', 'https://api.example.com/a?b=c', 'https://api.example.com/a'],
    ['a fragment', 'https://api.example.com/a#b', 'https://api.example.com/a'],
    ['a query behind the host', 'https://api.example.com?b', 'https://api.example.com/'],
    [
      'characters that fetch leaves as they are',
      'https://api.example.com/a|b[c]^',
      'https://api.example.com/a%7Cb%5Bc%5D%5E',
    ],
  ];
  test.each(same)('the comparison ignores %s', (_, one, other) => {
    expect(normalizeTargetUri(one)).toBe(other);
    expect(normalizeTargetUri(other)).toBe(other);
  });

  const different: readonly (readonly [string, string])[] = [
    ['the case of the path', 'https://api.example.com/A'],
    ['a trailing slash', 'https://api.example.com/a/'],
    ['a doubled slash', 'https://api.example.com//a'],
    ['an encoded slash', 'https://api.example.com/%2Fa'],
    ['another scheme', 'http://api.example.com/a'],
    ['another port', 'https://api.example.com:8443/a'],
    ['another host', 'https://api.example.org/a'],
    ['a host that begins alike', 'https://api.example.com.evil.example/a'],
    ['a dot at the end of the host', 'https://api.example.com./a'],
  ];
  test.each(different)('the comparison heeds %s', (_, uri) => {
    expect(normalizeTargetUri(uri)).toBeDefined();
    expect(normalizeTargetUri(uri)).not.toBe('https://api.example.com/a');
  });

  test.each([
    '',
    '/a',
    '//api.example.com/a',
    'api.example.com/a',
    'ftp://api.example.com/a',
    'javascript:alert(1)',
    'https:/api.example.com/a',
    'https:api.example.com/a',
    'https:///api.example.com/a',
    'https://user@api.example.com/a',
    'https://user:secret@api.example.com/a',
    'https://@api.example.com/a',
    'https://api.example.com\\a',
    'https://api.example.com/a\\b',
    ' https://api.example.com/a',
    'https://api.example.com/a ',
    'https://api.example.com/a\n',
    'https://api.exa\tmple.com/a',
    'https://api.example.com/é',
    'https://api.example.com/a"b',
    'https://api.example.com/<a>',
    'https://api.example.com/{a}',
    'https://api.example.com/a`b',
    'https://api.example.com/a?b c',
    'https://api.example.com/a?{b}',
    'https://api.example.com/a#b"',
    'https://api.example.com:99999/a',
    'https://[::1/a',
    'https://0x7f.1/a',
    'https://2130706433/a',
  ])('the text %j is not a target URI', (uri) => {
    expect(normalizeTargetUri(uri)).toBeUndefined();
  });
});

describe('RFC9449-2: the target URI of a request', () => {
  test.each([
    ['a path', '/a/b', 'https://api.example.com/v1/a/b'],
    ['two slashes, which are no host', '//evil.example/a', 'https://api.example.com/v1//evil.example/a'],
    ['a backslash, which is an octet of the path', '/a\\b', 'https://api.example.com/v1/a%5Cb'],
    ['octets of UTF-8', '/\u00c3\u00a9', 'https://api.example.com/v1/%C3%A9'],
    [
      'characters that must be encoded',
      '/a"<>`{}|^[]',
      'https://api.example.com/v1/a%22%3C%3E%60%7B%7D%7C%5E%5B%5D',
    ],
    ['a low octet', '/\u0007', 'https://api.example.com/v1/%07'],
    ['a percent sign by itself', '/100%', 'https://api.example.com/v1/100%'],
  ])('the target URI is built right for %s', (_, path, expected) => {
    expect(targetUriOf('https://api.example.com/v1', path)).toBe(expected);
  });
});

describe('the option publicUrl', () => {
  test.each([
    ['https://api.example.com', 'https://api.example.com'],
    ['https://api.example.com/', 'https://api.example.com'],
    ['HTTPS://API.example.com:443/v1/', 'https://api.example.com/v1'],
    ['https://api.example.com/v1//', 'https://api.example.com/v1'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://localhost', 'http://localhost'],
    ['http://127.0.0.1:3000/', 'http://127.0.0.1:3000'],
    ['http://127.1.2.3/', 'http://127.1.2.3'],
    ['http://127.100.20.30/', 'http://127.100.20.30'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('the publicUrl %s is normalised to %s', (url, base) => {
    expect(normalizeBase(url)).toBe(base);
  });

  test.each([
    'http://api.example.com',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://128.0.0.1',
    'x-http://localhost',
    'http://api.example.com/https:',
    'http://api.example.com/http://localhost/',
    'api.example.com',
    'x-https://api.example.com',
    'https://api.example.com?',
    'https://api.example.com/?a',
    'https://api.example.com#',
    'https://user@api.example.com',
    '',
  ])('the publicUrl %j is refused', (url) => {
    expect(normalizeBase(url)).toBeUndefined();
  });
});
