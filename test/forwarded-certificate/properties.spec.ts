import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { selfSignedCertificate } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ForwardedCertificateResult } from '../../lib/forwarded-certificate/forwarded-certificate.js';
import { parserOf } from '../../lib/forwarded-certificate/parser-of.js';
import { CARRIERS } from './carriers.js';
import {
  base64Of,
  createCertificates,
  hexDigestOf,
  pemOf,
  type TestCertificates,
  thumbprintOf,
} from './certificates.js';

const FORMATS = ['rfc9440', 'pem', 'der', 'xfcc', { xfcc: { hop: 1 } }] as const;
const PARSERS = FORMATS.map(parserOf);

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createCertificates();
});

/** One of the certificates: they are made after the arbitraries. */
const anyCertificate = fc.nat().map((index) => {
  const { all } = certificates;
  return all[index % all.length] ?? Buffer.alloc(0);
});

/**
 * What every parser owes to every value: an error that says nothing of the value, or a certificate that is in the value
 * and is nothing but a certificate.
 */
function expectSound(value: string, result: ForwardedCertificateResult): void {
  switch (result.kind) {
    case 'absent':
      return expect(['', '-', '(null)', '::']).toContain(value.trim());
    case 'malformed':
      return expect(DETAILS).toContain(result.detail);
    case 'thumbprint': {
      const hex = Buffer.from(result.thumbprint, 'base64url').toString('hex');
      return expect(value.toLowerCase().includes(hex)).toBe(true);
    }
    case 'certificate':
      for (const der of [result.der, ...result.chain]) {
        expect(decoded(value).includes(base64Of(der).replaceAll('=', ''))).toBe(true);
        expect(thumbprintOf(new X509Certificate(der).raw)).toBe(thumbprintOf(der));
      }
  }
}

/** A value as one long line, percent-decoded. */
function decoded(value: string): string {
  return value
    .replaceAll(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/[ \t\r\n]+/g, '');
}

/** Everything that can be said of a malformed value: constant texts. */
const DETAILS = [
  'it is longer than 65536 characters',
  'it is not canonical base64',
  'its percent-encoding is broken',
  'it has more than 10 certificates',
  'its bytes are not the DER of one certificate',
  'its bytes are not an X.509 certificate',
  'it has no certificate',
  'it is not base64 between colons (RFC 9440)',
  'it is not PEM of certificates and nothing else',
  'it does not follow the grammar of X-Forwarded-Client-Cert',
  'it has no element of hop 0',
  'it has no element of hop 1',
  'the element has more than one hash',
  'the element has more than one cert',
  'the element has more than one chain',
  'the element has more than one subject',
  'its Hash is not that of its certificate',
  'its Hash is not a SHA-256 in hex',
  'its Cert is more than one certificate',
  'its Chain does not begin with its Cert',
  'its element has neither Cert, Chain nor Hash',
];

/** Pieces that the formats are made of, and some that they are not. */
const anyPiece = fc.oneof(
  fc.constantFrom('-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----', ':', ',', ';', '=', '"', '\\'),
  fc.constantFrom('\\"', '%', '%0A', '%20', '%2C', ' ', '\t', '-', '(null)', 'é', '\0', '+', '/'),
  fc.constantFrom('By=', 'Hash=', 'Cert="', 'Chain="', 'Subject="', 'URI=', 'DNS='),
  anyCertificate.map(base64Of),
  anyCertificate.map((der) => encodeURIComponent(pemOf(der))),
  anyCertificate.map(hexDigestOf),
  fc.string({ unit: 'binary', maxLength: 5 }),
);

describe('INV3: nothing that can be sent makes a parser throw, and what it accepts was sent', () => {
  test('any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (value) => {
        for (const parse of PARSERS) expectSound(value, parse(value));
      }),
      { numRuns: 500 },
    );
  });

  test('any string of the pieces that the formats are made of', () => {
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
  test.each(CARRIERS)('$name', ({ parse, write, passesOn }) => {
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

/** One change of a value. */
type Mutation = (value: string) => string;

const anyCharacter = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.constantFrom(...Array.from('+/=-_:,;"\\% \t\nAz09')),
);

const anyMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(fc.nat(), anyCharacter).map(
    ([at, character]): Mutation =>
      (value) =>
        spliced(value, at, 1, character),
  ),
  fc.tuple(fc.nat(), anyCharacter).map(
    ([at, character]): Mutation =>
      (value) =>
        spliced(value, at, 0, character),
  ),
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 100 })).map(
    ([at, length]): Mutation =>
      (value) =>
        spliced(value, at, length, ''),
  ),
  fc.tuple(fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })).map(
    ([at, text]): Mutation =>
      (value) =>
        spliced(value, at, 0, text),
  ),
  fc.constantFrom<Mutation>(
    (value) => value + value,
    (value) => `${value},${value}`,
    (value) => value.toLowerCase(),
    (value) => Array.from(value).toReversed().join(''),
  ),
  anyPiece.map(
    (piece): Mutation =>
      (value) =>
        value + piece,
  ),
);

function spliced(value: string, at: number, deleted: number, inserted: string): string {
  const start = at % (value.length + 1);
  return value.slice(0, start) + inserted + value.slice(start + deleted);
}

describe('RFC8705-1: a value that was changed never stands for a certificate that is not in it', () => {
  test.each(CARRIERS)('$name', ({ parse, write }) => {
    fc.assert(
      fc.property(anyCertificate, anyMutation, (leaf, mutate) => {
        const value = mutate(write(leaf, [certificates.issuer]));
        expectSound(value, parse(value));
      }),
      { numRuns: 300 },
    );
  });

  const certAndHash = CARRIERS.filter(({ name }) => name.startsWith('Envoy, Cert'));
  test.each(certAndHash)(
    '$name, of which Hash is a checksum: it stands for its own or for none',
    (carrier) => {
      fc.assert(
        fc.property(anyCertificate, anyMutation, (leaf, mutate) => {
          const value = mutate(carrier.write(leaf, [certificates.issuer]));
          const thumbprint = thumbprintIn(carrier.parse(value));
          // What was appended may be an element of its own, which then is the nearest hop's.
          const known = [undefined, ...certificates.all.map(thumbprintOf)];
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

describe('INV2: of elements with whatever values, the one of the hop asked for is read', () => {
  test('xfcc', () => {
    fc.assert(
      fc.property(
        fc.array(anyElement, { minLength: 1, maxLength: 5 }),
        fc.nat(5),
        fc.constantFrom(',', ', ', ' ,\t'),
        (elements, hop, separator) => {
          const value = elements.map(({ text }) => text).join(separator);
          const result = parserOf({ xfcc: { hop } })(value);
          const { expected } = elements.at(-1 - hop) ?? { expected: { kind: 'malformed' } };
          expect(result).toMatchObject(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

/** Values of 64 KiB that make a parser which goes back, or starts again, take time by the square. */
const ADVERSARIAL: Readonly<Record<string, string>> = {
  'spaces, then something else': `a=${' '.repeat(65_533)}"`,
  'spaces within': `a${' '.repeat(65_534)}a`,
  'a quote that does not end': `a="${'b'.repeat(65_533)}`,
  backslashes: `a="${'\\'.repeat(65_533)}`,
  'escaped quotes': `a="${'\\"'.repeat(32_766)}`,
  quotes: '"'.repeat(65_536),
  commas: ','.repeat(65_536),
  semicolons: ';'.repeat(65_536),
  'equals signs': '='.repeat(65_536),
  colons: ':'.repeat(65_536),
  'percent signs': '%'.repeat(65_536),
  'percent-encoded letters': '%41'.repeat(21_845),
  'percent-encoded letters, broken at the end': `${'%41'.repeat(21_845)}%`,
  dashes: '-'.repeat(65_536),
  beginnings: '-----BEGIN CERTIFICATE-----'.repeat(2427),
  ends: '-----END CERTIFICATE-----'.repeat(2621),
  'empty blocks': '-----BEGIN CERTIFICATE----------END CERTIFICATE-----'.repeat(1260),
  'a block of spaces': `-----BEGIN CERTIFICATE-----${' \t'.repeat(32_740)}`,
  'base64 without an end': 'A'.repeat(65_536),
  'base64 with padding without an end': `A${'='.repeat(65_535)}`,
  'empty pairs': 'a=;'.repeat(21_845),
  'empty elements': 'a=,'.repeat(21_845),
  'a key without an end': 'a'.repeat(65_536),
  'a digest without an end': `Hash=${'0'.repeat(65_531)}`,
};

describe('INV3: time is in proportion to length', () => {
  test.each(Object.entries(ADVERSARIAL))('%s', (_, value) => {
    for (const parse of PARSERS) {
      const start = performance.now();
      expectSound(value, parse(value));
      // By the square it would be seconds: the usual time is a few milliseconds.
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });

  test.each([
    ['der', base64Of],
    ['pem', (der: Buffer) => encodeURIComponent(pemOf(der))],
    ['xfcc', (der: Buffer) => `Hash=${hexDigestOf(der)};Cert="${encodeURIComponent(pemOf(der))}"`],
  ] as const)('%s: a certificate with as many names as fit', async (format, write) => {
    const uris = Array.from({ length: 4000 }, (_, index) => `urn:${index}`);
    const { der } = await selfSignedCertificate('client', { uris });
    const value = write(der);
    expect(value.length).toBeGreaterThan(45_000);
    expect(parserOf(format)(value)).toEqual({ kind: 'certificate', der, chain: [] });
  });
});
