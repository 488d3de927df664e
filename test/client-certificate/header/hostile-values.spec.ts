import { beforeAll, describe, expect, test } from 'vitest';
import type { ForwardedCertificateParser } from '../../../lib/client-certificate/header/forwarded-certificate.js';
import { parserOf } from '../../../lib/client-certificate/header/parser-of.js';
import { base64Of, createCertificates, pemOf, type TestCertificates } from './certificates.js';
import { newKeyPair } from '../../support/key-pair.js';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await createCertificates();
});

/** A value made of a certificate, under the name of the trick. */
type HostileValues = Readonly<Record<string, (kit: TestCertificates) => string>>;

/** What base64 must not hide, written as one format wants it. */
function hostileBase64(write: (base64: string) => string): HostileValues {
  return {
    'the other alphabet of base64': ({ leaf }) =>
      write(base64Of(leaf).replaceAll('+', '-').replaceAll('/', '_')),
    'padding that is half there': ({ leaf }) => write(`${unpadded(leaf)}${'='.repeat(3 - paddingOf(leaf))}`),
    'padding too much': ({ leaf }) => write(`${base64Of(leaf)}=`),
    'padding in the middle': ({ leaf }) => write(`${base64Of(leaf)}${base64Of(leaf)}`),
    'bits in the padding': ({ leaf }) => write(withBitsInPadding(leaf)),
    'a character too many': ({ leaf }) => write(`${unpadded(leaf)}A`),
    'a character that base64 has not': ({ leaf }) => write(base64Of(leaf).replace('M', 'M*')),
    'a plus that has become something else': ({ leaf }) => write(base64Of(leaf).replace('+', '!')),
    'a letter of Latin-1': ({ leaf }) => write(base64Of(leaf).replace('M', 'Mé')),
    'a NUL': ({ leaf }) => write(`${base64Of(leaf)}\0`),
    'one byte behind the DER': ({ leaf }) => write(base64Of(Buffer.concat([leaf, Buffer.from([0])]))),
    'another certificate behind the DER': ({ leaf, other }) => write(base64Of(Buffer.concat([leaf, other]))),
    'one byte in front of the DER': ({ leaf }) => write(base64Of(Buffer.concat([Buffer.from([0]), leaf]))),
    'a DER that is cut off': ({ leaf }) => write(base64Of(leaf.subarray(0, -1))),
    'a DER whose length is written longer than it need be': ({ leaf }) =>
      write(base64Of(withLongLength(leaf))),
    'the base64 of PEM': ({ leaf }) => write(base64Of(Buffer.from(pemOf(leaf)))),
    'the base64 of base64': ({ leaf }) => write(base64Of(Buffer.from(base64Of(leaf)))),
    'a public key': () => write(base64Of(publicKey())),
    'no bytes at all, padded': () => write('===='),
    text: () => write(base64Of(Buffer.from('-----BEGIN CERTIFICATE-----'))),
  };
}

const RFC9440: HostileValues = {
  ...hostileBase64((base64) => `:${base64}:`),
  'no colons': ({ leaf }) => base64Of(leaf),
  'no colon in front': ({ leaf }) => `${base64Of(leaf)}:`,
  'no colon behind': ({ leaf }) => `:${base64Of(leaf)}`,
  'two colons on either side': ({ leaf }) => `::${base64Of(leaf)}::`,
  'two certificates: the header is a singleton': ({ leaf, other }) =>
    `:${base64Of(leaf)}:, :${base64Of(other)}:`,
  'the same certificate twice': ({ leaf }) => `:${base64Of(leaf)}:,:${base64Of(leaf)}:`,
  'a comma behind it': ({ leaf }) => `:${base64Of(leaf)}:,`,
  'a parameter': ({ leaf }) => `:${base64Of(leaf)}:;a=b`,
  'a quoted string': ({ leaf }) => `":${base64Of(leaf)}:"`,
  'spaces within': ({ leaf }) => `: ${base64Of(leaf)} :`,
  'a folded line within': ({ leaf }) => `:${base64Of(leaf).slice(0, 64)} ${base64Of(leaf).slice(64)}:`,
  'percent-encoding': ({ leaf }) => encodeURIComponent(`:${base64Of(leaf)}:`),
  PEM: ({ leaf }) => encodeURIComponent(pemOf(leaf)),
};

const DER: HostileValues = {
  ...hostileBase64((base64) => base64),
  'an empty member in front': ({ leaf }) => `,${base64Of(leaf)}`,
  'an empty member behind': ({ leaf }) => `${base64Of(leaf)},`,
  'an empty member between': ({ leaf, issuer }) => `${base64Of(leaf)},,${base64Of(issuer)}`,
  'an empty member between colons': ({ leaf }) => `${base64Of(leaf)},::`,
  'a member that means none': ({ leaf }) => `${base64Of(leaf)},-`,
  'a broken certificate behind a good one': ({ leaf, issuer }) =>
    `${base64Of(leaf)},${base64Of(issuer.subarray(1))}`,
  'another separator': ({ leaf, issuer }) => `${base64Of(leaf)};${base64Of(issuer)}`,
  'a colon in front only': ({ leaf }) => `:${base64Of(leaf)}`,
  'a quote in front only': ({ leaf }) => `"${base64Of(leaf)}`,
  'a quote behind only': ({ leaf }) => `${base64Of(leaf)}"`,
  'two quotes on either side': ({ leaf }) => `""${base64Of(leaf)}""`,
  'quotes around a list': ({ leaf, issuer }) => `"${base64Of(leaf)},${base64Of(issuer)}"`,
  'two colons on either side': ({ leaf }) => `::${base64Of(leaf)}::`,
  'spaces within': ({ leaf }) => `${base64Of(leaf).slice(0, 64)} ${base64Of(leaf).slice(64)}`,
  'spaces where a plus was': ({ leaf }) => base64Of(leaf).replaceAll('+', ' '),
  'eleven certificates': ({ leaf }) => Array.from({ length: 11 }, () => base64Of(leaf)).join(','),
  'percent-encoding twice': ({ leaf }) => encodeURIComponent(encodeURIComponent(base64Of(leaf))),
  'percent-encoding that is broken': ({ leaf }) => `${base64Of(leaf)}%`,
  'percent-encoding of what is not UTF-8': ({ leaf }) => `${base64Of(leaf)}%FF`,
  PEM: ({ leaf }) => pemOf(leaf),
  'Envoy’s grammar under the same name': ({ leaf }) => `Cert="${encodeURIComponent(pemOf(leaf))}"`,
};

const PEM: HostileValues = {
  ...hostileBase64((base64) => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`),
  'form encoding: spaces as plus signs': ({ leaf }) => encodeURIComponent(pemOf(leaf)).replaceAll('%20', '+'),
  'form decoding: plus signs as spaces': ({ leaf }) => pemOf(leaf).replaceAll('+', ' '),
  'percent-encoding twice': ({ leaf }) => encodeURIComponent(encodeURIComponent(pemOf(leaf))),
  'percent-encoding that is broken': ({ leaf }) => `${pemOf(leaf)}%0`,
  'percent-encoding of what is not UTF-8': ({ leaf }) => `${pemOf(leaf)}%C3%28`,
  'line ends as a backslash and an n': ({ leaf }) => pemOf(leaf).replaceAll('\n', '\\n'),
  'text in front': ({ leaf }) => `subject=CN=client ${pemOf(leaf)}`,
  'text behind': ({ leaf }) => `${pemOf(leaf)}x`,
  'text between': ({ leaf, issuer }) => `${pemOf(leaf)},${pemOf(issuer)}`,
  'a no-break space between': ({ leaf, issuer }) => `${pemOf(leaf)}%C2%A0${pemOf(issuer)}`,
  'a private key in front': ({ leaf }) => `${pemOf(privateKey(), 'PRIVATE KEY')}${pemOf(leaf)}`,
  'a private key behind': ({ leaf }) => `${pemOf(leaf)}${pemOf(privateKey(), 'PRIVATE KEY')}`,
  'a private key alone': () => pemOf(privateKey(), 'PRIVATE KEY'),
  'a private key with the label of a certificate': () => pemOf(privateKey()),
  'a certificate with the label of a request': ({ leaf }) => pemOf(leaf, 'CERTIFICATE REQUEST'),
  'OpenSSL’s trusted certificate': ({ leaf }) => pemOf(leaf, 'TRUSTED CERTIFICATE'),
  'the label of old': ({ leaf }) => pemOf(leaf, 'X509 CERTIFICATE'),
  'a label in lower case': ({ leaf }) => pemOf(leaf, 'certificate'),
  'labels that differ': ({ leaf }) => pemOf(leaf).replace('BEGIN CERTIFICATE', 'BEGIN X509 CRL'),
  'no end': ({ leaf }) => pemOf(leaf).replace('-----END CERTIFICATE-----\n', ''),
  'no beginning': ({ leaf }) => pemOf(leaf).replace('-----BEGIN CERTIFICATE-----\n', ''),
  'two beginnings': ({ leaf }) => `-----BEGIN CERTIFICATE-----\n${pemOf(leaf)}`,
  'two ends': ({ leaf }) => `${pemOf(leaf)}-----END CERTIFICATE-----`,
  'four dashes': ({ leaf }) => pemOf(leaf).replace('-----BEGIN', '----BEGIN'),
  'a header field': ({ leaf }) => pemOf(leaf).replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n'),
  'nothing between the markers': () => '-----BEGIN CERTIFICATE----------END CERTIFICATE-----',
  'the body alone': ({ leaf }) => base64Of(leaf),
  'quotes around it': ({ leaf }) => `"${encodeURIComponent(pemOf(leaf))}"`,
  'eleven certificates': ({ leaf }) => pemOf(leaf).repeat(11),
};

const XFCC: HostileValues = {
  ...hostileBase64(
    (base64) =>
      `Cert="${encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----`)}"`,
  ),
  'PEM and no key': ({ leaf }) => encodeURIComponent(pemOf(leaf)),
  'base64 and no key': ({ leaf }) => base64Of(leaf),
  'base64 of DER under Cert': ({ leaf }) => `Cert="${base64Of(leaf)}"`,
  'two certificates under Cert': ({ leaf, other }) =>
    `Cert="${encodeURIComponent(pemOf(leaf) + pemOf(other))}"`,
};

describe.each([
  ['RFC9440: rfc9440', parserOf('rfc9440'), RFC9440],
  ['INV2: der', parserOf('der'), DER],
  ['INV2: pem', parserOf('pem'), PEM],
  ['INV2: xfcc', parserOf('xfcc'), XFCC],
] as const)('%s: a value that is not exactly a certificate is refused', (_, parse, values) => {
  test.each(Object.entries(values))('the parser refuses %s', (_name, write) => {
    expectMalformed(parse, write(certificates));
  });
});

describe('INV2: what is lenient on purpose', () => {
  test.each(['rfc9440', 'der'] as const)('the format %s accepts base64 without its padding', (format) => {
    const { leaf } = certificates;
    expect(parserOf(format)(`:${unpadded(leaf)}:`)).toMatchObject({ kind: 'certificate', der: leaf });
  });

  test('the format pem accepts base64 without its padding', () => {
    const { leaf } = certificates;
    const pem = pemOf(leaf).replaceAll('=', '');
    expect(parserOf('pem')(encodeURIComponent(pem))).toMatchObject({ kind: 'certificate', der: leaf });
  });

  test('the format der accepts spaces around the members of a list', () => {
    const { leaf, issuer } = certificates;
    expect(parserOf('der')(`${base64Of(leaf)} , ${base64Of(issuer)}`)).toEqual({
      kind: 'certificate',
      der: leaf,
      chain: [issuer],
    });
  });

  test('the format der accepts list members between colons', () => {
    const { leaf, issuer } = certificates;
    expect(parserOf('der')(`:${base64Of(leaf)}:, :${base64Of(issuer)}:`)).toEqual({
      kind: 'certificate',
      der: leaf,
      chain: [issuer],
    });
  });

  test.each([
    ['der', (all: readonly Buffer[]) => all.map(base64Of).join(',')],
    ['pem', (all: readonly Buffer[]) => encodeURIComponent(all.map((der) => pemOf(der)).join(''))],
    [
      'xfcc',
      (all: readonly Buffer[]) => `Chain="${encodeURIComponent(all.map((der) => pemOf(der)).join(''))}"`,
    ],
  ] as const)('the format %s accepts ten certificates', (format, write) => {
    const { leaf, issuer } = certificates;
    const chain = Array.from({ length: 9 }, () => issuer);
    expect(parserOf(format)(write([leaf, ...chain]))).toEqual({ kind: 'certificate', der: leaf, chain });
  });
});

function expectMalformed(parse: ForwardedCertificateParser, value: string): void {
  const result = parse(value);
  expect(result).toEqual({ kind: 'malformed', detail: expect.stringMatching(/^it[s ][ -~]{1,80}$/) });
}

function unpadded(der: Buffer): string {
  return base64Of(der).replaceAll('=', '');
}

function paddingOf(der: Buffer): number {
  return base64Of(der).length - unpadded(der).length;
}

/** The last digit of base64 that is padded has bits to spare, which an encoder leaves at 0. */
function withBitsInPadding(der: Buffer): string {
  const text = unpadded(der);
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const last = digits[digits.indexOf(text.slice(-1)) + 1] ?? '';
  return `${text.slice(0, -1)}${last}${'='.repeat(paddingOf(der))}`;
}

/** `30 82 …` as `30 83 00 …`: BER allows it, DER does not (X.690 §10.1). */
function withLongLength(der: Buffer): Buffer {
  return Buffer.concat([der.subarray(0, 1), Buffer.from([0x83, 0]), der.subarray(2)]);
}

function publicKey(): Buffer {
  return newKeyPair('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
}

function privateKey(): Buffer {
  return newKeyPair('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'der',
  });
}
