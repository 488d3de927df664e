import { describe, expect, test } from 'vitest';
import { errorCodeOf } from '../../lib/introspection/error-code.js';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl';

describe('invariant 6: the error code of an answer', () => {
  test.each([
    'invalid_request',
    'unsupported_token_type',
    'E-1',
    'https://as.example.com/errors/1',
    'x'.repeat(64),
  ])('the error code %s is told', (error) => {
    expect(errorCodeOf(error, TOKEN)).toBe(error);
  });

  test.each([undefined, null, 7, {}, ['invalid_request'], '', 'x'.repeat(65), 'a"b', 'a\\b', 'a\nb', 'ü'])(
    'the error code %j is not told',
    (error) => {
      expect(errorCodeOf(error, TOKEN)).toBeUndefined();
    },
  );

  test.each([TOKEN, TOKEN.slice(0, 20), TOKEN.slice(-8), TOKEN.slice(3, 5), `bad: ${TOKEN.slice(10, 18)}`])(
    'an error code that repeats a piece of the token is not told: %s',
    (error) => {
      expect(errorCodeOf(error, TOKEN)).toBeUndefined();
    },
  );

  test('an error code that holds the whole of a short token is not told', () => {
    expect(errorCodeOf('unknown abc', 'abc')).toBeUndefined();
    expect(errorCodeOf('unknown', 'abc')).toBe('unknown');
  });
});
