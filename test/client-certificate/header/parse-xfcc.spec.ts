import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { parserOf } from '../../../lib/client-certificate/header/parser-of.js';
import {
  createCertificates,
  hexDigestOf,
  pemOf,
  type TestCertificates,
  thumbprintOf,
} from './certificates.js';

/** All that is read of the header, to see how; what is read unless more is asked for comes further down. */
const parse = parserOf({ xfcc: { hop: 0, hashAlone: true } });
const parseOne = parserOf({ xfcc: { hashAlone: true } });
const parseByDefault = parserOf('xfcc');

let kit: TestCertificates;
let hash: string;
let otherHash: string;
let cert: string;
let otherCert: string;
beforeAll(async () => {
  kit = await createCertificates();
  hash = `Hash=${hexDigestOf(kit.leaf)}`;
  otherHash = `Hash=${hexDigestOf(kit.other)}`;
  cert = `Cert="${encodeURIComponent(pemOf(kit.leaf))}"`;
  otherCert = `Cert="${encodeURIComponent(pemOf(kit.other))}"`;
});

const chainOf = (...ders: readonly Buffer[]): string =>
  `Chain="${encodeURIComponent(ders.map((der) => pemOf(der)).join(''))}"`;
const ofLeaf = (): object => ({ kind: 'thumbprint', thumbprint: thumbprintOf(kit.leaf) });
const malformed = (detail: string): object => ({ kind: 'malformed', detail });
const GRAMMAR = 'it does not follow the grammar of X-Forwarded-Client-Cert';

describe('INV2: the element of the nearest proxy counts', () => {
  test('the last element counts by default', () => {
    expect(parse(`${otherHash},${hash}`)).toMatchObject(ofLeaf());
    expect(parse(`${otherHash};${otherCert},By=a;${otherHash}, ${hash};Subject=""`)).toMatchObject(ofLeaf());
  });

  test.each([
    [0, 'nearest'],
    [1, 'middle'],
    [2, 'farthest'],
  ])('the hop %i means the %s element', (hop, subject) => {
    const value = ['farthest', 'middle', 'nearest'].map((name) => `${hash};Subject="${name}"`).join(',');
    expect(parserOf({ xfcc: { hop, hashAlone: true } })(value)).toMatchObject({ ...ofLeaf(), subject });
  });

  test.each([1, 2, 1000])('the hop %i of a value with one element is malformed, not absent', (hop) => {
    expect(parserOf({ xfcc: { hop, hashAlone: true } })(hash)).toEqual(
      malformed(`it has no element of hop ${hop}`),
    );
  });

  test('a comma, a semicolon or an equals sign in quotes separates nothing', () => {
    const subject = `CN=a,${otherHash};Cert=b,O="`;
    const value = `${hash};Subject="${subject.replaceAll('"', '\\"')}"`;
    expect(parse(value)).toMatchObject({ ...ofLeaf(), subject });
    expect(parserOf({ xfcc: { hop: 1, hashAlone: true } })(value).kind).toBe('malformed');
  });

  test('a name that ends with a backslash does not hide the end of its value', () => {
    expect(parse(`Subject="CN=a\\\\";${hash},Subject="CN=b\\\\";${otherHash}`)).toMatchObject({
      thumbprint: thumbprintOf(kit.other),
      subject: 'CN=b\\\\',
    });
  });

  test('a broken element in front of the one that counts makes the value malformed, as nobody knows where that one begins', () => {
    for (const broken of ['By="', 'By="a"b', 'By', '', '=a', 'By=a"b', 'By=a;;', '"By"=a']) {
      expect(parse(`${broken},${hash}`), broken).toEqual(malformed(GRAMMAR));
    }
  });
});

describe('INV2: the grammar of the header', () => {
  test.each([
    ['a key in capitals', 'HASH='],
    ['a key in lower case', 'hash='],
    ['quotes', 'Hash="'],
  ])('the parser accepts %s', (_, key) => {
    const end = key.endsWith('"') ? '"' : '';
    expect(parse(`${key}${hexDigestOf(kit.leaf)}${end}`)).toMatchObject(ofLeaf());
  });

  test('a digest in capitals is the same digest', () => {
    expect(parse(`Hash=${hexDigestOf(kit.leaf).toUpperCase()}`)).toMatchObject(ofLeaf());
  });

  test('the parser accepts Cert without quotes', () => {
    expect(parse(`Cert=${encodeURIComponent(pemOf(kit.leaf))}`)).toMatchObject({ der: kit.leaf });
  });

  test('the parser accepts spaces around elements, pairs and values', () => {
    expect(parse(` By=a ; ${hash} ; Subject="b" \t, \tBy=c ;\t${hash} ; Subject="d" `)).toMatchObject({
      ...ofLeaf(),
      subject: 'd',
    });
  });

  test('the parser accepts a semicolon at the end of an element', () => {
    for (const end of [';', '; ', ' ;', ';\t']) {
      expect(parse(`${otherHash};Subject="a"${end},${hash}${end}`), end).toMatchObject(ofLeaf());
    }
  });

  test('the parser accepts repeated keys where they are unknown or may repeat', () => {
    expect(parseOne(`By=a;By=b;New=c;New=d;${hash};URI=e;URI=f;DNS=g;DNS=h`)).toEqual({
      ...ofLeaf(),
      subject: undefined,
      subjectAltNames: ['URI:e', 'URI:f', 'DNS:g', 'DNS:h'],
    });
  });

  test.each([
    ['a key without a value', 'Hash'],
    ['no key', '=a'],
    ['a space in a key', 'B y=a'],
    ['a space in front of the equals sign', 'By =a'],
    ['a quote that does not end', 'By="a'],
    ['a quote that is escaped and does not end', 'By="a\\"'],
    ['something behind a quote', 'By="a"b'],
    ['a quote within a value', 'By=a"b"'],
    ['a quote behind a space', 'By= "a"'],
    ['an empty pair', 'By=a;;URI=b'],
    ['two empty pairs at the end', 'By=a;;'],
    ['two empty pairs at the end, with spaces', 'By=a; ; '],
    ['an empty pair in front', ';By=a'],
    ['an empty element', 'By=a,,By=b'],
    ['an empty element at the end', 'By=a,'],
    ['an empty element in front', ',By=a'],
  ])('the parser refuses %s as malformed', (_, value) => {
    expect(parse(value)).toEqual(malformed(GRAMMAR));
    expect(parse(`${hash},${value}`)).toEqual(malformed(GRAMMAR));
    expect(parse(`${value},${hash}`)).toEqual(malformed(GRAMMAR));
  });
});

describe('INV2: Hash, Cert and Chain must agree', () => {
  test('the certificate and its chain count when Hash, Cert and Chain agree', () => {
    const { leaf, issuer } = kit;
    expect(parse(`${hash};${cert}`)).toEqual({ kind: 'certificate', der: leaf, chain: [] });
    expect(parse(`${cert};${chainOf(leaf, issuer)};${hash}`)).toEqual({
      kind: 'certificate',
      der: leaf,
      chain: [issuer],
    });
    expect(parse(`${hash};${chainOf(leaf)}`)).toEqual({ kind: 'certificate', der: leaf, chain: [] });
  });

  test('a Hash of another certificate is malformed', () => {
    const detail = 'its Hash is not that of its certificate';
    expect(parse(`${otherHash};${cert}`)).toEqual(malformed(detail));
    expect(parse(`${hash};${otherCert}`)).toEqual(malformed(detail));
    expect(parse(`${otherHash};${chainOf(kit.leaf)}`)).toEqual(malformed(detail));
  });

  test('a Chain that does not begin with Cert is malformed', () => {
    const detail = 'its Chain does not begin with its Cert';
    expect(parse(`${cert};${chainOf(kit.other)}`)).toEqual(malformed(detail));
    expect(parse(`${cert};${chainOf(kit.issuer, kit.leaf)}`)).toEqual(malformed(detail));
  });

  test('a second Hash, Cert, Chain or Subject is malformed, even when it is the same', () => {
    const chain = chainOf(kit.leaf);
    for (const pair of [hash, cert, chain]) expect(parse(`${pair};${pair}`).kind).toBe('malformed');
    expect(parse(`${hash};${otherHash}`)).toEqual(malformed('the element has more than one hash'));
    expect(parse(`${cert};${otherCert}`)).toEqual(malformed('the element has more than one cert'));
    expect(parse(`${hash};HASH=${'0'.repeat(64)}`)).toEqual(malformed('the element has more than one hash'));
    expect(parse(`${hash};Subject="a";Subject="b"`)).toEqual(
      malformed('the element has more than one subject'),
    );
  });

  test('an element with none of them is malformed, not absent', () => {
    const detail = 'its element has neither Cert, Chain nor Hash';
    expect(parseOne('By=a;Subject="b";URI=c')).toEqual(malformed(detail));
    expect(parse(`${hash},By=a`)).toEqual(malformed(detail));
  });

  test.each([
    '',
    '""',
    '0',
    '0'.repeat(40),
    '0'.repeat(63),
    '0'.repeat(65),
    `${'0'.repeat(63)}g`,
    `${'0'.repeat(63)} 0`,
    `sha256:${'0'.repeat(64)}`,
    `${'00:'.repeat(31)}00`,
  ])('the value Hash=%s is not a SHA-256', (value) => {
    expect(parse(`Hash=${value}`)).toEqual(malformed('its Hash is not a SHA-256 in hex'));
    expect(parse(`${cert};Hash=${value}`)).toEqual(malformed('its Hash is not a SHA-256 in hex'));
  });

  test.each(['Cert=', 'Cert=""', 'Chain=', 'Chain=""'])('the value %s is not a certificate', (pair) => {
    expect(parse(`${hash};${pair}`).kind).toBe('malformed');
  });
});

describe('INV2: what is known about a certificate that was not passed on', () => {
  test('its subject is kept as it was written', () => {
    expect(parse(`${hash};Subject="/C=US/O=a, b/CN=\\"c\\""`)).toEqual({
      ...ofLeaf(),
      subject: '/C=US/O=a, b/CN="c"',
      subjectAltNames: [],
    });
  });

  test('its names are written as Node prints them', () => {
    const names = ['spiffe://a/b', '"a,b"', '"a\\"b"', "a'b", 'é', ''];
    expect(parseOne(`${hash};${names.map((name) => `URI=${name}`).join(';')};DNS=a.example`)).toMatchObject({
      subjectAltNames: [
        'URI:spiffe://a/b',
        String.raw`URI:"a\u002cb"`,
        'URI:"a\\"b"',
        `URI:"a'b"`,
        'URI:"é"',
        'DNS:a.example',
      ],
    });
  });
});

describe('INV2: unless more is asked for, there is one element, with a certificate', () => {
  test('more than one is malformed, however good each is', () => {
    const detail = 'it has more than one element, and no hop says which one counts';
    const own = `${hash};${cert}`;
    for (const value of [`${own},${own}`, `By=a,${own}`, `${own},By=a`, `${otherHash};${otherCert}, ${own}`])
      expect(parseByDefault(value), value).toEqual(malformed(detail));
    expect(parseByDefault(own)).toMatchObject({ kind: 'certificate', der: kit.leaf });
    expect(parseOne(`${hash},${otherHash}`)).toEqual(malformed(detail));
  });

  test('Hash alone is malformed', () => {
    const detail = 'its element has Hash alone: have Envoy send Cert, or accept it (hashAlone)';
    for (const parser of [
      parseByDefault,
      parserOf({ xfcc: { hop: 0 } }),
      parserOf({ xfcc: { hashAlone: false } }),
    ])
      expect(parser(hash)).toEqual(malformed(detail));
    expect(parseOne(hash)).toMatchObject(ofLeaf());
  });
});

describe('INV2: a name of the client’s never names another client', () => {
  /** What Envoy writes for a client of these names, which it does not escape. */
  const written = async (
    options: { readonly uris?: readonly string[]; readonly hosts?: readonly string[] },
    withCert = true,
  ): Promise<string> => {
    const ca = await TestCertificateAuthority.create();
    const { der } = await ca.issueClientCertificate('client', options);
    return [
      'By=spiffe://mesh/api',
      `Hash=${hexDigestOf(der)}`,
      ...(withCert ? [`Cert="${encodeURIComponent(pemOf(der))}"`] : []),
      ...(options.uris ?? ['']).map((name) => `URI=${name}`),
      ...(options.hosts ?? []).map((name) => `DNS=${name}`),
    ].join(';');
  };
  const parsers = (): readonly (readonly [string, typeof parse])[] => [
    ['xfcc', parseByDefault],
    ['hashAlone', parseOne],
    ['hop 0', parserOf({ xfcc: { hop: 0 } })],
    ['hop 0, hashAlone', parse],
  ];

  test('no client is taken for another with a comma or a semicolon in a URI or a DNS name, whatever of the other client follows', async () => {
    const stolen = [otherHash, `${otherHash};${otherCert}`, otherCert, `${otherHash};${otherCert};URI=`];
    const ways = stolen.flatMap((end) => [
      { uris: [`spiffe://a,${end}`] },
      { uris: [`spiffe://a;${end}`] },
      { uris: [`,${end}`] },
      { uris: ['spiffe://a', `spiffe://a,${end}`] },
      { uris: [`spiffe://a,By=b,${end}`] },
      { uris: [`spiffe://a;DNS=a,${end}`], hosts: ['a'] },
      { hosts: [`a,${end}`] },
      { hosts: [`a;${end}`] },
      { uris: ['spiffe://a'], hosts: [`,${end}`] },
    ]);
    for (const way of ways) {
      for (const withCert of [true, false]) {
        const value = await written(way, withCert);
        for (const [name, parser] of parsers()) {
          for (const front of ['', `${otherHash};${otherCert};URI=,`, 'By="a",']) {
            const result = parser(`${front}${value}`);
            expect([name, value, result.kind]).toEqual([name, value, 'malformed']);
          }
        }
      }
    }
  });

  test('a proxy that is nearer may have names in its element without Cert, for it is trusted', async () => {
    const nearer = 'By=a;Hash=' + '1'.repeat(64) + ';URI=spiffe://mesh/gateway';
    const parser = parserOf({ xfcc: { hop: 1 } });
    for (const names of [{ uris: ['spiffe://a/b'], hosts: ['a.example', 'b.example'] }, {}])
      expect(parser(`${await written(names)},${nearer}`)).toMatchObject({ kind: 'certificate' });
    const hostile = await written({ uris: [`spiffe://a,${otherHash};${otherCert}`] });
    expect(parser(`${hostile},${nearer}`)).toEqual(
      malformed('its URI is not that of the certificate beside it'),
    );
  });

  test('honest names pass, in quotes too', async () => {
    for (const names of [
      { uris: ['spiffe://a/b?c=d', 'urn:e'], hosts: ['a.example'] },
      { uris: [], hosts: ['a.example'] },
      {},
    ])
      expect(parserOf({ xfcc: { hop: 0 } })(await written(names))).toMatchObject({ kind: 'certificate' });
    const quoted = (await written({ uris: ['urn:a,b'] })).replace('URI=urn:a,b', 'URI="urn:a,b"');
    expect(parserOf({ xfcc: { hop: 0 } })(quoted)).toMatchObject({ kind: 'certificate' });
  });
});
