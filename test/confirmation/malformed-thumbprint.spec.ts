import { createHash } from 'node:crypto';
import { type TestCertificate, TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeMalformedThumbprint } from '../../lib/confirmation/malformed-thumbprint.js';

let client: TestCertificate;
beforeAll(async () => {
  const ca = await TestCertificateAuthority.create();
  client = await ca.issueClientCertificate('client1');
});

type Algorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const digest = (algorithm: Algorithm): Buffer => createHash(algorithm).update(client.der).digest();
const hex = (algorithm: Algorithm): string => digest(algorithm).toString('hex');
const withColons = (text: string): string => text.replaceAll(/..(?=.)/g, '$&:');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const base64url = (text: string): string => Buffer.from(text).toString('base64url');

/** A digest whose base64 has all that base64url has not. */
const AWKWARD = `${'+/'.repeat(21)}8`;
const OPENSSL = ', as OpenSSL prints it';

const ROWS: readonly (readonly [what: string, value: () => unknown, hint: string | undefined])[] = [
  ['null', () => null, 'it is null, not a string'],
  ['a number', () => 7, 'it is a number, not a string'],
  ['a boolean', () => true, 'it is a boolean, not a string'],
  ['an array', () => [client.thumbprint], 'it is an array, not a string'],
  ['an object', () => ({}), 'it is an object, not a string'],
  ['nothing', () => undefined, 'it is undefined, not a string'],
  ['an empty text', () => '', 'it is empty'],
  ['a text with a line end', () => `${client.thumbprint}\n`, 'there is white space around it'],
  ['an indented text', () => ` ${client.thumbprint}`, 'there is white space around it'],
  ['PEM', () => client.cert, 'it looks like PEM: a whole certificate, not its digest'],
  [
    'base64 of PEM',
    () => base64(client.cert),
    'it looks like base64 of PEM: a whole certificate, not its digest',
  ],
  [
    'base64 of DER',
    () => client.der.toString('base64'),
    'it looks like base64 of DER: a whole certificate, not its digest',
  ],
  [
    'base64url of DER',
    () => client.der.toString('base64url'),
    'it looks like base64 of DER: a whole certificate, not its digest',
  ],
  ['hex', () => hex('sha256'), 'it looks like a SHA-256 in hex'],
  ['hex in upper case', () => hex('sha256').toUpperCase(), 'it looks like a SHA-256 in hex'],
  ['hex with colons', () => withColons(hex('sha256')), `it looks like a SHA-256 in hex${OPENSSL}`],
  [
    'a line of openssl x509 -fingerprint',
    () => `sha256 Fingerprint=${withColons(hex('sha256')).toUpperCase()}`,
    `it looks like a SHA-256 in hex${OPENSSL}`,
  ],
  ['a prefix', () => `SHA-256:${hex('sha256')}`, `it looks like a SHA-256 in hex${OPENSSL}`],
  ['SHA-1 in hex', () => hex('sha1'), 'it looks like a SHA-1 in hex'],
  ['SHA-1 with colons', () => withColons(hex('sha1')), `it looks like a SHA-1 in hex${OPENSSL}`],
  ['SHA-512 in hex', () => hex('sha512'), 'it looks like a SHA-512 in hex'],
  ['SHA-384 in hex', () => hex('sha384'), undefined],
  [
    'base64url of hex',
    () => base64url(hex('sha256')),
    'it looks like base64 of hex: of the text of a digest, not of its bytes',
  ],
  [
    'base64 of hex with colons',
    () => base64(withColons(hex('sha256'))),
    'it looks like base64 of hex: of the text of a digest, not of its bytes',
  ],
  [
    'base64 of SHA-1 in hex',
    () => base64(hex('sha1')),
    'it looks like base64 of hex: of the text of a digest, not of its bytes',
  ],
  ['x5t', () => digest('sha1').toString('base64url'), 'it looks like a SHA-1 in base64'],
  ['base64 of SHA-1', () => digest('sha1').toString('base64'), 'it looks like a SHA-1 in base64'],
  ['SHA-512', () => digest('sha512').toString('base64url'), 'it looks like a SHA-512 in base64'],
  ['SHA-512, padded', () => digest('sha512').toString('base64'), 'it looks like a SHA-512 in base64'],
  ['SHA-384', () => digest('sha384').toString('base64url'), undefined],
  ['padding', () => `${client.thumbprint}=`, 'it looks like a SHA-256 in base64, but padded with ='],
  [
    'the other alphabet',
    () => AWKWARD,
    'it looks like a SHA-256 in base64, but in the alphabet with + and /',
  ],
  [
    'plain base64',
    () => `${AWKWARD}=`,
    'it looks like a SHA-256 in base64, but padded with = and in the alphabet with + and /',
  ],
  [
    'a last character of more than four bits',
    () => `${'A'.repeat(42)}B`,
    'its last character has bits that no SHA-256 has: it has been cut or changed',
  ],
  ['hex with a prefix in the middle', () => `${hex('sha256').slice(0, 24)}sha1:${hex('sha1')}`, undefined],
  [
    'base64 of hex, as long as a digest can be',
    () => base64(`sha512:${' '.repeat(15)}${hex('sha512')}`),
    'it looks like base64 of hex: of the text of a digest, not of its bytes',
  ],
  [
    'base64 of hex, longer than a digest can be',
    () => base64(`sha512 Fingerprint=${withColons(hex('sha512'))}`),
    undefined,
  ],
  ['one character too few', () => client.thumbprint.slice(1), undefined],
  ['one character too many', () => `${client.thumbprint}A`, undefined],
  ['a long base64 that is not DER', () => 'A'.repeat(1000), undefined],
  ['a long text that only begins like DER', () => `MI ${'A'.repeat(1000)}`, undefined],
  ['a short text that only begins like DER', () => `MI${'A'.repeat(198)}`, undefined],
  ['a word', () => 'x', undefined],
  ['white space', () => '   ', undefined],
  ['other text', () => 'überhaupt nicht, nie und nimmer, weit gefehlt', undefined],
];

describe('RFC8705-2: the log says what a malformed thumbprint looks like', () => {
  test.each(ROWS)('the log explains a thumbprint that is %s', (_, value, hint) => {
    expect(describeMalformedThumbprint(value())).toBe(hint);
  });

  test('the log repeats nothing of the thumbprint', () => {
    const hints = ROWS.map(([, value]) => [value(), describeMalformedThumbprint(value())] as const);
    const repeating = hints.filter(([value, hint]) =>
      typeof value === 'string' && value.trim().length > 10
        ? hint?.includes(value.trim().slice(0, 10)) === true
        : false,
    );
    expect(repeating).toEqual([]);
  });

  test('the effort grows no faster than the length of the thumbprint', () => {
    const started = performance.now();
    for (const unit of ['A', ' ', ':', 'sha1=', '=', '-----BEGIN', 'MI', '0']) {
      describeMalformedThumbprint(unit.repeat(200_000 / unit.length));
      describeMalformedThumbprint(`${unit.repeat(200_000 / unit.length)}!`);
    }
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
