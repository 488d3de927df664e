import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parserOf } from '../../../lib/client-certificate/header/parser-of.js';
import { anyCertificate } from './arbitraries.js';
import { hexDigestOf, pemOf, thumbprintOf } from './certificates.js';

/** An element as a proxy would write it, and what must be read of it. */
interface WrittenElement {
  readonly text: string;
  readonly expected: object;
}

/** Names as Envoy has them from OpenSSL (RFC 2253): quotes and backslashes have a backslash in front. */
const anyName = fc
  .array(
    fc.oneof(
      fc.constantFrom('"', '\\', ',', ';', '=', ' ', 'Hash=', ',Hash=', '";Hash=', '\\";Cert='),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 10 },
  )
  .map((pieces) => pieces.join('').replaceAll('\\', '\\\\'));

const quoted = (value: string): string => `"${value.replaceAll('"', '\\"')}"`;
const anyBare = fc.stringMatching(/^[a-z0-9:/.=@\\-]{0,20}$/);

const anyElement: fc.Arbitrary<WrittenElement> = fc
  .record({
    der: anyCertificate,
    shape: fc.constantFrom('hash', 'cert', 'hash and cert'),
    subject: fc.option(anyName, { nil: undefined }),
    by: fc.array(fc.oneof(anyBare, anyName.map(quoted)), { maxLength: 2 }),
    uppercase: fc.boolean(),
    reversed: fc.boolean(),
    space: fc.constantFrom('', ' ', '\t'),
  })
  .map(({ der, shape, subject, by, uppercase, reversed, space }) => {
    const pairs: readonly (readonly [string, string])[] = [
      ...by.map((value) => ['By', value] as const),
      ...(shape === 'cert' ? [] : [['Hash', hexDigestOf(der)] as const]),
      ...(shape === 'hash' ? [] : [['Cert', `"${encodeURIComponent(pemOf(der))}"`] as const]),
      ...(subject === undefined ? [] : [['Subject', quoted(subject)] as const]),
    ];
    const texts = pairs.map(([key, value]) => `${uppercase ? key.toUpperCase() : key}=${value}`);
    return {
      text: (reversed ? texts.toReversed() : texts).join(`;${space}`),
      expected:
        shape === 'hash'
          ? { kind: 'thumbprint', thumbprint: thumbprintOf(der), subject, subjectAltNames: [] }
          : { kind: 'certificate', der, chain: [] },
    };
  });

describe('INV2: the element at the configured hop', () => {
  test('the parser reads the element of the configured hop, whatever the values of all elements', () => {
    fc.assert(
      fc.property(
        fc.array(anyElement, { minLength: 1, maxLength: 5 }),
        fc.nat(5),
        fc.constantFrom(',', ', ', ' ,\t'),
        (elements, hop, separator) => {
          const value = elements.map(({ text }) => text).join(separator);
          const result = parserOf({ xfcc: { hop, hashAlone: true } })(value);
          const { expected } = elements.at(-1 - hop) ?? { expected: { kind: 'malformed' } };
          expect(result).toMatchObject(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
