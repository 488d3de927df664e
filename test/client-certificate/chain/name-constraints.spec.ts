import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, test } from 'vitest';
import { CertificationAuthorities } from '../../../lib/client-certificate/chain/certification-authorities.js';
import { altNames, der, generalName, nameConstraints, type NameText } from '../../support/der.js';
import { issue, NOW, type Party, type Says } from './parties.js';

let root: Party;
beforeAll(async () => {
  root = await issue('root', { ca: true });
});

const FORBIDDEN = 'has a name that a CA above it may not give (name constraints)';

/** What becomes of a client below a CA with these constraints; `undefined` where it is accepted. */
async function outcomeOf(constraints: x509.Extension, client: Says): Promise<string | undefined> {
  const ca = await issue('constrained', { ca: true, issuer: root, extensions: [constraints] });
  return pathOf(await issue('client', { issuer: ca, ...client }), [ca]);
}

function pathOf(client: Party, between: readonly Party[], trusted: Party = root): string | undefined {
  const authorities = new CertificationAuthorities(
    [trusted.certificate],
    between.map(({ certificate }) => certificate),
  );
  const found = authorities.pathOf(client.certificate, [], NOW);
  return found.kind === 'path' ? undefined : found.kind === 'none' ? 'none' : found.error;
}

type Row = readonly [base: NameText, inside: readonly NameText[], outside: readonly NameText[]];

describe('RFC5280-4.2.1.10: names below a CA with name constraints', () => {
  test.each<Row>([
    [
      'dns:example.com',
      ['dns:example.com', 'dns:A.Example.COM', 'dns:a.b.example.com', 'dns:*.example.com'],
      ['dns:badexample.com', 'dns:example.com.evil', 'dns:com', 'dns:example.org'],
    ],
    ['dns:.example.com', ['dns:a.example.com'], ['dns:example.com', 'dns:aexample.com']],
    [
      'email:example.com',
      ['email:a@example.com', 'email:a@EXAMPLE.com'],
      ['email:a@b.example.com', 'email:a@example.org', 'email:a@badexample.com'],
    ],
    ['email:.example.com', ['email:a@b.example.com'], ['email:a@example.com', 'email:a@bexample.com']],
    ['email:a@example.com', ['email:a@Example.com'], ['email:b@example.com', 'email:a@b.example.com']],
    [
      'uri:example.com',
      ['uri:spiffe://example.com/a', 'uri:https://u:p@EXAMPLE.com:8443/x?y#z', 'uri:ftp://example.com'],
      [
        'uri:spiffe://a.example.com/a',
        'uri:spiffe://evil.org/example.com',
        'uri:spiffe://example.com@evil.org/',
      ],
    ],
    ['uri:.example.com', ['uri:spiffe://a.example.com/a'], ['uri:spiffe://example.com/a']],
    ['ip:0a010000ffff0000', ['ip:0a010203', 'ip:0a01ffff'], ['ip:0a020203', `ip:${'00'.repeat(16)}`]],
    [
      `ip:fd00${'00'.repeat(14)}ffff${'00'.repeat(14)}`,
      [`ip:fd00${'11'.repeat(14)}`],
      [`ip:fd01${'11'.repeat(14)}`, 'ip:0a010203'],
    ],
    [
      'directory:C=DE,O=Bank',
      ['directory:C=DE,O=Bank,CN=x', 'directory:C=DE,O=bank'],
      ['directory:C=DE,O=Banker', 'directory:O=Bank', 'directory:CN=x,C=DE,O=Bank'],
    ],
  ])('%s permits what is inside it and excludes nothing else', async (base, inside, outside) => {
    const subject = base.startsWith('directory') ? 'C=DE,O=Bank,CN=client' : 'CN=client';
    for (const name of inside) {
      const client = { subject, extensions: [altNames(name)] };
      expect([name, await outcomeOf(nameConstraints([base]), client)]).toEqual([name, undefined]);
      expect([name, await outcomeOf(nameConstraints([], [base], false), client)]).toEqual([
        name,
        expect.stringContaining(FORBIDDEN),
      ]);
    }
    for (const name of outside) {
      const client = {
        subject: base.startsWith('directory') ? 'CN=client' : subject,
        extensions: [altNames(name)],
      };
      expect([name, await outcomeOf(nameConstraints([], [base]), client)]).toEqual([name, undefined]);
      expect([name, await outcomeOf(nameConstraints([base], [], false), client)]).toEqual([
        name,
        expect.stringContaining(FORBIDDEN),
      ]);
    }
  });

  test.each<[NameText, NameText]>([
    ['dns:example.com', 'dns:example.com.'],
    ['dns:example.com', 'dns:a.example.com\0.evil.org'],
    ['dns:a.example.com', 'dns:*.example.com'],
    ['dns:example.com', 'dns:'],
    ['uri:example.com', 'uri:urn:example.com'],
    ['uri:example.com', 'uri:spiffe://ex%61mple.com/a'],
    ['uri:example.com', 'uri:spiffe://example.com\\@evil.org/a'],
    ['uri:example.com', 'uri:https://10.0.0.1/'],
    ['uri:', 'uri:spiffe://example.com/a'],
    ['email:example.com', 'email:"a@b"@example.com'],
    ['email:example.com', 'email:example.com'],
    ['email:a@example.com', 'email:A@example.com'],
    ['email:example.com', 'other:06082b06010505070809a0060c0461406578'],
    ['ip:0a010000ffff0000', 'ip:0a0102'],
    ['ip:0a01', 'ip:0a010203'],
  ])(
    'A CA with %s, permitted or excluded, gives no client the name %j, which cannot be compared',
    async (base, name) => {
      const client = { extensions: [altNames(name)] };
      expect(await outcomeOf(nameConstraints([base]), client)).toContain(FORBIDDEN);
      expect(await outcomeOf(nameConstraints([], [base]), client)).toContain(FORBIDDEN);
    },
  );

  test('The empty DNS name holds every host', async () => {
    const client = { extensions: [altNames('dns:example.com')] };
    expect(await outcomeOf(nameConstraints(['dns:']), client)).toBeUndefined();
    expect(await outcomeOf(nameConstraints([], ['dns:']), client)).toContain(FORBIDDEN);
  });

  test('One of several permitted names is enough, and one that is excluded beats it', async () => {
    const constraints = nameConstraints(['dns:example.org', 'dns:example.com'], ['dns:evil.example.com']);
    expect(await outcomeOf(constraints, { extensions: [altNames('dns:a.example.com')] })).toBeUndefined();
    expect(await outcomeOf(constraints, { extensions: [altNames('dns:a.example.net')] })).toContain(
      FORBIDDEN,
    );
    const evil = ['dns:a.example.com', 'dns:a.evil.example.com'] as const;
    expect(await outcomeOf(constraints, { extensions: [altNames(...evil)] })).toContain(FORBIDDEN);
  });

  test('A name of a kind that no constraint is about is free', async () => {
    const client = {
      extensions: [altNames('uri:spiffe://example.com/a', 'other:06012aa0020500', 'ip:0a010203')],
    };
    expect(await outcomeOf(nameConstraints(['dns:example.com']), client)).toBeUndefined();
  });

  test('The subject is a directory name, the mail address in it one too, and a common name that looks like a host', async () => {
    const de = nameConstraints(['directory:C=DE']);
    expect(await outcomeOf(de, { subject: 'C=DE,CN=client' })).toBeUndefined();
    expect(await outcomeOf(de, { subject: 'C=FR,CN=client' })).toContain(FORBIDDEN);
    const mail = nameConstraints(['email:example.com']);
    expect(await outcomeOf(mail, { subject: 'CN=client,E=a@example.com' })).toBeUndefined();
    expect(await outcomeOf(mail, { subject: 'CN=client,E=a@evil.org' })).toContain(FORBIDDEN);
    const host = nameConstraints(['dns:example.com']);
    expect(await outcomeOf(host, { subject: 'CN=a.example.com' })).toBeUndefined();
    expect(await outcomeOf(host, { subject: 'CN=evil.org' })).toContain(FORBIDDEN);
    const named = { subject: 'CN=evil.org', extensions: [altNames('dns:a.example.com')] };
    expect(await outcomeOf(host, named)).toBeUndefined();
  });

  test('A name is the same in every kind of string, and a part of several attributes in every order', async () => {
    const universal = der(
      0x30,
      der(0x31, der(0x30, der(6, '\x55\x04\x0a'), der(0x1c, '\0\0\0e\0\0\0v\0\0\0i\0\0\0l'))),
    );
    const evil = new x509.Extension('2.5.29.17', false, der(0x30, der(0xa4, universal)));
    expect(await outcomeOf(nameConstraints([], ['directory:O=Evil']), { extensions: [evil] })).toContain(
      FORBIDDEN,
    );
    const [one, other] = [
      der(0x30, der(6, '\x55\x04\x0a'), der(0x0c, 'O')),
      der(0x30, der(6, '\x55\x04\x0b'), der(0x0c, 'OU')),
    ];
    const swapped = new x509.Extension(
      '2.5.29.17',
      false,
      der(0x30, der(0xa4, der(0x30, der(0x31, other, one)))),
    );
    const both = nameConstraints([], ['directory:O=O+OU=OU']);
    expect(await outcomeOf(both, { extensions: [swapped] })).toContain(FORBIDDEN);
  });

  test('Constraints of each CA of a path hold, those of the trusted one too, and for the CAs below it', async () => {
    const trusted = await issue('trusted', {
      ca: true,
      subject: 'C=DE,CN=trusted',
      extensions: [nameConstraints(['directory:C=DE'])],
    });
    const good = await issue('good', {
      ca: true,
      subject: 'C=DE,CN=good',
      issuer: trusted,
      extensions: [nameConstraints(['dns:example.com'])],
    });
    const evil = await issue('evil', { ca: true, subject: 'C=FR,CN=evil', issuer: trusted });
    const below = async (ca: Party, name: NameText): Promise<string | undefined> =>
      pathOf(
        await issue('client', { subject: 'C=DE,CN=client', issuer: ca, extensions: [altNames(name)] }),
        [good, evil],
        trusted,
      );
    expect(await below(good, 'dns:example.com')).toBeUndefined();
    expect(await below(good, 'dns:example.org')).toContain(FORBIDDEN);
    expect(await below(evil, 'dns:example.com')).toBe(`C=FR, CN=evil ${FORBIDDEN}`);
  });

  test('The certificate of a CA that has only changed its key is not held to the constraints of its name', async () => {
    const old = await issue('old', {
      ca: true,
      issuer: root,
      extensions: [nameConstraints(['directory:C=DE'])],
    });
    const renewed = await issue('old', { ca: true, issuer: old });
    const client = await issue('client', { subject: 'C=DE,CN=client', issuer: renewed });
    expect(pathOf(client, [old, renewed])).toBeUndefined();
    expect(pathOf(await issue('client', { issuer: renewed }), [old, renewed])).toContain(FORBIDDEN);
  });

  test.each<[string, Uint8Array, string]>([
    ['of a kind that is not supported', der(0xa0, der(0x30, generalName('registered:2a'))), 'of a kind'],
    [
      'of another kind that is not supported',
      der(0xa1, der(0x30, generalName('other:06012aa0020500'))),
      'of a kind',
    ],
    ['with a minimum', der(0xa0, der(0x30, generalName('dns:a'), der(0x80, '\x01'))), 'a minimum'],
    ['with a maximum', der(0xa0, der(0x30, generalName('dns:a'), der(0x81, '\x01'))), 'a minimum'],
    ['without a subtree', der(0xa0), 'malformed'],
  ])('A CA is refused whose constraints are %s, critical or not', async (_, content, error) => {
    for (const critical of [true, false]) {
      const constraints = new x509.Extension('2.5.29.30', critical, der(0x30, content));
      expect(await outcomeOf(constraints, {})).toContain(error);
    }
  });

  test('More names than a path may have are refused, without comparing them', async () => {
    const names = Array.from({ length: 200 }, (_, index): NameText => `dns:a${index}.example.com`);
    const outcome = await outcomeOf(nameConstraints(names), { extensions: [altNames(...names)] });
    expect(outcome).toContain('too many names and name constraints');
  });
});
