import { selfSignedCertificate } from 'nestjs-cert-bound-auth/testing';
import { describe, expect, test } from 'vitest';
import { parserOf } from '../../../lib/client-certificate/header/parser-of.js';
import { base64Of, hexDigestOf, pemOf } from './certificates.js';
import { expectSound } from './sound.js';

const PARSERS = (['rfc9440', 'pem', 'der', 'xfcc'] as const).map(parserOf);

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
  'semicolons and spaces': `a=b;${' '.repeat(65_531)}a`,
  'empty pairs': 'a=;'.repeat(21_845),
  'empty elements': 'a=,'.repeat(21_845),
  'a key without an end': 'a'.repeat(65_536),
  'a digest without an end': `Hash=${'0'.repeat(65_531)}`,
};

describe('INV3: parsing time is in proportion to length', () => {
  test.each(Object.entries(ADVERSARIAL))('every parser takes linear time for %s', (_, value) => {
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
  ] as const)('the format %s accepts a certificate with as many names as fit', async (format, write) => {
    const uris = Array.from({ length: 4000 }, (_, index) => `urn:${index}`);
    const { der } = await selfSignedCertificate('client', { uris });
    const value = write(der);
    expect(value.length).toBeGreaterThan(45_000);
    expect(parserOf(format)(value)).toEqual({ kind: 'certificate', der, chain: [] });
  });
});
