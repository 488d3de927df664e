import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { fitnessOf, hasSecretMember, isFitRsaKey } from '../../lib/jose/key-fitness.js';
import { newKeyPair } from '../support/key-pair.js';

const UNSUPPORTED = { kind: 'unsupported', problem: 'it is of no curve that is known' };
const UNFIT = { kind: 'unfit', problem: expect.any(String) as string };

/** An odd number of so many bits. */
function modulus(bits: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  bytes[0] = 0xff >> (bytes.length * 8 - bits);
  return bytes;
}

/** An RSA key: numbers as bytes or as they are spelt. */
const rsa = (n: Buffer | string, e: Buffer | string = 'AQAB', members: object = {}): JWK => ({
  kty: 'RSA',
  n: typeof n === 'string' ? n : n.toString('base64url'),
  e: typeof e === 'string' ? e : e.toString('base64url'),
  ...members,
});

const exponent = (value: bigint): Buffer => {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
};

const ec = (namedCurve: string): JWK => newKeyPair('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
const ed25519 = (): JWK => newKeyPair('ed25519').publicKey.export({ format: 'jwk' });
const edwards = (hex: string): JWK => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(hex, 'hex').toString('base64url'),
});

describe.each(['canonical', 'lenient'] as const)('RFC8725: a key in %s spelling', (spelling) => {
  test.each([2048, 2049, 3072, 4096, 8191, 8192])('an RSA key of %i bits is fit', (bits) => {
    const key = rsa(modulus(bits));
    expect(fitnessOf(key, spelling)).toMatchObject({ kind: 'fit', jwk: key });
  });

  test.each([1, 512, 1024, 2040, 2047, 8193, 8200, 16_384])('an RSA key of %i bits is not fit', (bits) => {
    expect(fitnessOf(rsa(modulus(bits)), spelling)).toEqual(UNFIT);
  });

  test.each([65_537n, 65_539n, 2n ** 31n + 1n, 2n ** 32n - 1n])(
    'an RSA key with the exponent %i is fit',
    (value) => {
      expect(fitnessOf(rsa(modulus(2048), exponent(value)), spelling)).toMatchObject({ kind: 'fit' });
    },
  );

  test.each([
    0n,
    1n,
    2n,
    3n,
    17n,
    257n,
    65_535n,
    65_536n,
    65_538n,
    2n ** 32n,
    2n ** 32n + 1n,
    2n ** 64n + 1n,
    2n ** 3071n + 1n,
  ])(
    'an RSA key with the exponent %i is not fit: anybody could sign, or verifying would cost too much',
    (value) => {
      expect(fitnessOf(rsa(modulus(3072), exponent(value)), spelling)).toEqual(UNFIT);
    },
  );

  test('an RSA key with an even modulus, which anybody can factor, is not fit', () => {
    const even = modulus(2048);
    even[even.length - 1] = 0xfe;
    expect(fitnessOf(rsa(even), spelling)).toEqual(UNFIT);
  });

  test.each([undefined, null, 7, ['AQAB'], { length: 1 }, '', '!', 'A'.repeat(1_000_000)])(
    'an RSA key with %j in the place of a number is not fit',
    (value) => {
      expect(fitnessOf({ ...rsa(modulus(2048)), n: value }, spelling)).toEqual(UNFIT);
      expect(fitnessOf({ ...rsa(modulus(2048)), e: value }, spelling)).toEqual(UNFIT);
    },
  );

  test.each([
    ['prime256v1', 2],
    ['secp384r1', 16],
    ['secp521r1', 16],
  ])('a key of %s is fit, and its signatures cost about %i times those of RSA', (curve, cost) => {
    const key = ec(curve);
    expect(fitnessOf(key, spelling)).toEqual({ kind: 'fit', jwk: key, cost });
  });

  test('a key of another curve, of another type, or of a curve that is not of its type is not fit', () => {
    const { x, y } = ec('prime256v1');
    expect(fitnessOf(ec('secp256k1'), spelling)).toEqual(UNSUPPORTED);
    for (const crv of [undefined, null, '', 'p-256', 'Ed25519', 'toString', ['P-256']]) {
      expect(fitnessOf({ kty: 'EC', crv, x, y }, spelling), JSON.stringify(crv)).toEqual(UNSUPPORTED);
    }
    for (const crv of [undefined, 'P-256', 'X25519', 'Ed448']) {
      expect(fitnessOf({ ...ed25519(), crv }, spelling), crv).toEqual(UNSUPPORTED);
    }
    for (const kty of [undefined, null, 'oct', 'AKP', 'rsa', 'toString', ['EC']]) {
      expect(fitnessOf({ ...rsa(modulus(2048)), kty }, spelling), JSON.stringify(kty)).toEqual(UNFIT);
    }
  });

  test('a key of Ed25519 is fit, with all its 32 bytes', () => {
    const key = ed25519();
    expect(fitnessOf(key, spelling)).toEqual({ kind: 'fit', jwk: key, cost: 3 });
    for (const x of [undefined, '', 'AA', `${key.x}AA`, 7]) {
      expect(fitnessOf({ ...key, x }, spelling), String(x)).toEqual(UNFIT);
    }
  });

  test('members that are empty are absent, those of another type are ignored, and neither is imported', () => {
    const key = rsa(modulus(2048));
    const others = { crv: null, x: '', d: null, p: '', k: null, oth: [], alg: null, use: '', key_ops: [] };
    expect(fitnessOf({ ...key, ...others }, spelling)).toMatchObject({ kind: 'fit', jwk: key });
    expect(fitnessOf({ ...key, crv: 'P-256', y: 'AA' }, spelling)).toMatchObject({ kind: 'fit', jwk: key });
    const { jwk } = fitnessOf({ ...key, ...others }, spelling) as { readonly jwk: JWK };
    expect(jwk).toEqual(key);
  });

  test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'a key that is published with its private %s is not fit: whoever reads it can sign',
    (member) => {
      for (const value of ['AQAB', 7, [{}], {}, false]) {
        for (const key of [rsa(modulus(2048)), ec('prime256v1'), ed25519()]) {
          expect(fitnessOf({ ...key, [member]: value }, spelling)).toEqual(UNFIT);
          expect(hasSecretMember({ ...key, [member]: value })).toBe(true);
        }
      }
    },
  );
});

// With the identity, the OpenSSL of Node 20 verifies a signature that nobody has made.
describe('RFC8037: a point of Ed25519 with which anybody can sign', () => {
  const POINTS = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ];
  const withSign = (hex: string): string =>
    hex.slice(0, 62) + (Number.parseInt(hex.slice(62), 16) | 0x80).toString(16);

  test.each([...POINTS, ...POINTS.map((point) => withSign(point))])(
    'a key of Ed25519 of a small order is not fit: %s',
    (point) => {
      expect(fitnessOf(edwards(point), 'canonical')).toEqual(UNFIT);
      expect(fitnessOf(edwards(point), 'lenient')).toEqual(UNFIT);
    },
  );
});

describe('the spelling of numbers', () => {
  const n = Buffer.concat([Buffer.from([0xfb]), modulus(2040)]);
  const key = rsa(n);
  const LENIENT_ONLY: readonly (readonly [string, JWK])[] = [
    ['a zero in front', rsa(Buffer.concat([Buffer.alloc(1), n]))],
    ['a zero in front of the exponent', rsa(n, 'AAEAAQ')],
    ['padding', rsa(`${key.n}==`)],
    ['the other alphabet', rsa(n.toString('base64'))],
  ];

  test.each(LENIENT_ONLY)(
    'a number with %s is forgiven to a server, and counts as the one right spelling',
    (_, spelt) => {
      expect(fitnessOf(spelt, 'lenient')).toEqual(fitnessOf(key, 'canonical'));
      expect(fitnessOf(spelt, 'canonical')).toEqual(UNFIT);
    },
  );

  test('zeros in front make no small modulus large, and no number longer than it may be', () => {
    expect(fitnessOf(rsa(Buffer.concat([Buffer.alloc(128), modulus(1024)])), 'lenient')).toEqual(UNFIT);
    expect(fitnessOf(rsa(Buffer.concat([Buffer.alloc(2), modulus(8192)])), 'lenient')).toEqual(UNFIT);
    expect(fitnessOf(rsa(modulus(2048), Buffer.from('00000000000001', 'hex')), 'lenient')).toEqual(UNFIT);
    expect(fitnessOf(rsa(modulus(2048), Buffer.from('0000010001', 'hex')), 'lenient')).toMatchObject({
      kind: 'fit',
    });
  });

  test('a number that is no base64 is forgiven to nobody', () => {
    for (const spelt of [`${key.n}\n`, ` ${key.n}`, `${key.n?.slice(0, 20)}=${key.n?.slice(20)}`]) {
      expect(fitnessOf(rsa(spelt), 'lenient'), JSON.stringify(spelt)).toEqual(UNFIT);
    }
  });

  test('a coordinate of a server may lack its zeros, or have one too many; that of a proof has its length', () => {
    let point = ec('prime256v1');
    while (!point.x?.startsWith('AA')) point = ec('prime256v1');
    const bytes = Buffer.from(point.x, 'base64url');
    for (const x of [bytes.subarray(1), Buffer.concat([Buffer.alloc(1), bytes])]) {
      const spelt = { ...point, x: x.toString('base64url') };
      expect(fitnessOf(spelt, 'lenient')).toEqual({ kind: 'fit', jwk: point, cost: 2 });
      expect(fitnessOf(spelt, 'canonical')).toEqual(UNFIT);
    }
    const longer = { ...point, x: Buffer.alloc(33, 1).toString('base64url') };
    expect(fitnessOf(longer, 'lenient')).toEqual(UNFIT);
  });
});

test('a key that is imported already is held against the same numbers', () => {
  const imported = (key: JWK): boolean => isFitRsaKey(createPublicKey({ key: key as never, format: 'jwk' }));
  expect(imported(rsa(modulus(2048)))).toBe(true);
  expect(imported(rsa(modulus(2040)))).toBe(false);
  expect(imported(rsa(modulus(2048), 'AQ'))).toBe(false);
  expect(imported(rsa(modulus(2048), exponent(2n ** 64n + 1n)))).toBe(false);
  expect(isFitRsaKey(newKeyPair('ed25519').publicKey)).toBe(false);
});
