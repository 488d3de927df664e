import { describe, expect, test } from 'vitest';
import { isBase64url, readTokenShape } from '../../lib/jose/token-shape.js';

const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
const HEADER = encode('{"alg":"ES256"}');
const PAYLOAD = encode('{"iss":"x"}');
const opaque = { kind: 'opaque' } as const;
const malformed = { kind: 'malformed' } as const;

describe('the kind of a token, by its shape', () => {
  test('three parts, the first of them a JSON object, are a JWT', () => {
    const jwt = { kind: 'jwt', header: { alg: 'ES256' }, payload: { iss: 'x' } };
    expect(readTokenShape(`${HEADER}.${PAYLOAD}.AAAA`)).toStrictEqual(jwt);
    expect(readTokenShape(`${HEADER}.${PAYLOAD}.`)).toStrictEqual(jwt);
  });

  test.each([
    ['text', encode('text')],
    ['a list', encode('[]')],
    ['null', encode('null')],
    ['nothing', ''],
    ['a byte order mark', encode('\uFEFF{}')],
    ['a text that is not base64url', `${PAYLOAD}=`],
    ['bytes that are not UTF-8', encode(Buffer.from('{"a":"\xff"}', 'latin1'))],
  ])(
    'RFC9068: a token with %s as the payload is malformed, and with the same as the header it is opaque',
    (_name, part) => {
      expect(readTokenShape(`${HEADER}.${part}.AAAA`)).toStrictEqual(malformed);
      expect(readTokenShape(`${part}.${PAYLOAD}.AAAA`)).toStrictEqual(opaque);
      expect(readTokenShape(`${part}.a.b.c.d`)).toStrictEqual(opaque);
    },
  );

  test.each(['A', 'AAAA=', 'AA+A', 'AAA ', 'AB'])('the signature %j makes a token malformed', (signature) => {
    expect(readTokenShape(`${HEADER}.${PAYLOAD}.${signature}`)).toStrictEqual(malformed);
  });

  test('five parts, the first of them a JSON object, are encrypted', () => {
    expect(readTokenShape(`${HEADER}.a.b.c.d`)).toStrictEqual({ kind: 'encrypted' });
  });

  test.each(['', 'x', 'a.b', 'a.b.c', `${HEADER}.${PAYLOAD}`, `${HEADER}.a.b.c`, `${HEADER}.a.b.c.d.e`])(
    'any other token is opaque: %s',
    (token) => {
      expect(readTokenShape(token)).toStrictEqual(opaque);
    },
  );
});

test('base64url has only one spelling for each value', () => {
  for (const text of ['', 'AA', 'AAA', 'AAAA', '-_8', 'AAAAAA']) {
    expect([text, isBase64url(text)]).toEqual([text, true]);
    expect(Buffer.from(text, 'base64url').toString('base64url')).toBe(text);
  }
  for (const text of ['A', 'AAAAA', 'AB', 'AAB', 'AA==', 'A+A', 'A/A', 'AA\n', ' AA', 'ÄAA']) {
    expect([text, isBase64url(text)]).toEqual([text, false]);
  }
});
