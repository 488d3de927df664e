import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ForwardedCertificateResult } from '../../../lib/client-certificate/header/forwarded-certificate.js';
import { parserOf } from '../../../lib/client-certificate/header/parser-of.js';
import { anyCertificate, anyPiece, CERTIFICATES } from './arbitraries.js';
import { CARRIERS } from './carriers.js';
import { thumbprintOf } from './certificates.js';
import { expectSound } from './sound.js';

const PARSERS = (['rfc9440', 'pem', 'der', 'xfcc', { xfcc: { hop: 1 } }] as const).map(parserOf);

describe('INV3: nothing that can be sent makes a parser throw, and what it accepts was sent', () => {
  test('no parser throws for any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (value) => {
        for (const parse of PARSERS) expectSound(value, parse(value));
      }),
      { numRuns: 500 },
    );
  });

  test('no parser throws for any string made of the pieces of the formats', () => {
    fc.assert(
      fc.property(fc.array(anyPiece, { maxLength: 12 }), (pieces) => {
        const value = pieces.join('');
        for (const parse of PARSERS) expectSound(value, parse(value));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('RFC8705-1: what a proxy writes is read as it was, whatever the certificate', () => {
  test.each(CARRIERS)('any certificate written by $name is read as it was', ({ parse, write, passesOn }) => {
    fc.assert(
      fc.property(anyCertificate, fc.array(anyCertificate, { maxLength: 5 }), (leaf, chain) => {
        const result = parse(write(leaf, chain));
        if (passesOn === 'digest') {
          expect(result).toMatchObject({ kind: 'thumbprint', thumbprint: thumbprintOf(leaf) });
        } else {
          expect(result).toEqual({ kind: 'certificate', der: leaf, chain: passesOn === 'leaf' ? [] : chain });
        }
      }),
      { numRuns: 30 },
    );
  });
});

const anyInsertion = fc.oneof(
  fc.constant(''),
  fc.constantFrom(...Array.from('+/=-_:,;"\\% \t\nAz09')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  anyPiece,
);

/** One change of a value: something is put in, or taken out, or both; or all of it is turned into something else. */
const anyMutation: fc.Arbitrary<(value: string) => string> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .record({
        at: fc.noBias(fc.nat()),
        deleted: fc.constantFrom(0, 0, 1, 1, 2, 64),
        inserted: anyInsertion,
      })
      .map(({ at, deleted, inserted }) => (value: string) => {
        const start = at % (value.length + 1);
        return value.slice(0, start) + inserted + value.slice(start + deleted);
      }),
  },
  { weight: 2, arbitrary: anyInsertion.map((text) => (value: string) => value + text) },
  fc.constantFrom(
    (value: string) => value + value,
    (value: string) => `${value},${value}`,
    (value: string) => value.toLowerCase(),
    (value: string) => Array.from(value).toReversed().join(''),
  ),
);

describe('RFC8705-1: a value that was changed never stands for a certificate that is not in it', () => {
  test.each(CARRIERS)(
    'a changed value of $name stands for no certificate that is not in it',
    ({ parse, write }) => {
      fc.assert(
        fc.property(anyCertificate, anyMutation, (leaf, mutate) => {
          const value = mutate(write(leaf, [CERTIFICATES.issuer]));
          expectSound(value, parse(value));
        }),
        { numRuns: 300 },
      );
    },
  );

  const certAndHash = CARRIERS.filter(({ name }) => name.startsWith('Envoy, Cert'));
  test.each(certAndHash)(
    'a changed value of $name, where Hash is a checksum, stands for its own certificate or for none',
    (carrier) => {
      fc.assert(
        fc.property(anyCertificate, anyMutation, (leaf, mutate) => {
          const value = mutate(carrier.write(leaf, [CERTIFICATES.issuer]));
          const thumbprint = thumbprintIn(carrier.parse(value));
          // What was appended may be an element of its own, which then is the nearest hop's.
          const known = [undefined, ...CERTIFICATES.all.map(thumbprintOf)];
          expect(known).toContain(thumbprint);
        }),
        { numRuns: 1000 },
      );
    },
  );
});

function thumbprintIn(result: ForwardedCertificateResult): string | undefined {
  if (result.kind === 'certificate') return thumbprintOf(result.der);
  return result.kind === 'thumbprint' ? result.thumbprint : undefined;
}
