import type { KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { isAbsentMember, type JsonObject } from './json-object.js';
import { isBase64url } from './token-shape.js';

/**
 * What a public JWK comes to before anything imports it: a key that only its owner can sign with, or what is wrong with
 * it.
 */
export type KeyFitness =
  | {
      readonly kind: 'fit';
      /** The members that make the key, and no others. */
      readonly jwk: JWK;
      /** What one signature costs to verify, as a multiple of that of RSA with 2048 bits; roughly. */
      readonly cost: number;
    }
  /** No weaker than others, but for no algorithm of ours. */
  | { readonly kind: 'unsupported'; readonly problem: string }
  | { readonly kind: 'unfit'; readonly problem: string };

/**
 * How numbers may be written. `canonical`: in the one way of RFC 7518, so that a key has one thumbprint. `lenient`: padded,
 * in the other alphabet or with zeros in front as well, as some servers publish them.
 */
export type Spelling = 'canonical' | 'lenient';

/**
 * Whether a public JWK is fit to verify signatures. An RSA key has a modulus of 2048 to 8192 bits and an odd exponent of
 * 65537 up to 2³² - 1: with a smaller one, anybody can sign; with a larger one, verifying costs a hundred times as much. An EC
 * key has a curve of RFC 7518, and whether its point is on it is seen at its import. A key of Ed25519 is of a large order:
 * with any other, anybody can sign.
 * @see RFC 7518 §6, RFC 8037 §2, RFC 8725 §3.4 and §3.5
 */
export function fitnessOf(jwk: JsonObject, spelling: Spelling): KeyFitness {
  if (hasSecretMember(jwk)) return unfit('it has private members');
  switch (jwk['kty']) {
    case 'RSA':
      return rsaFitness(jwk, spelling);
    case 'EC':
      return curveFitness(jwk, spelling);
    case 'OKP':
      return edwardsFitness(jwk, spelling);
    default:
      return unfit('its kty is not RSA, EC or OKP');
  }
}

const UNKNOWN_CURVE: KeyFitness = { kind: 'unsupported', problem: 'it is of no curve that is known' };

/** Members of private and symmetric keys (RFC 7518 §6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** Whether a JWK holds as much as a part of a secret: whoever reads a published one can sign with it. */
export function hasSecretMember(jwk: JsonObject): boolean {
  return SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member) && !isAbsentMember(jwk[member]));
}

/** Whether an RSA key that is imported already is fit; no other key has a modulus. */
export function isFitRsaKey({ asymmetricKeyDetails }: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {};
  return describeUnfitRsa(modulusLength, Number(publicExponent)) === undefined;
}

const LEAST_MODULUS_BITS = 2048;
const MOST_MODULUS_BITS = 8192;
const LEAST_EXPONENT = 65_537;
const EXPONENT_LIMIT = 2 ** 32;

function describeUnfitRsa(bits: number, exponent: number): string | undefined {
  if (bits < LEAST_MODULUS_BITS || bits > MOST_MODULUS_BITS) {
    return `its modulus is not of ${LEAST_MODULUS_BITS} to ${MOST_MODULUS_BITS} bits`;
  }
  return exponent % 2 === 1 && exponent >= LEAST_EXPONENT && exponent < EXPONENT_LIMIT
    ? undefined
    : `its exponent is not odd, or not from ${LEAST_EXPONENT} up to 2^32`;
}

/** One byte more than the largest number: some libraries put a zero in front. */
const MOST_MODULUS_BYTES = MOST_MODULUS_BITS / 8 + 1;
const MOST_EXPONENT_BYTES = 5;

function rsaFitness(jwk: JsonObject, spelling: Spelling): KeyFitness {
  const n = readNumber(jwk, 'n', MOST_MODULUS_BYTES, spelling);
  const e = readNumber(jwk, 'e', MOST_EXPONENT_BYTES, spelling);
  if (n === undefined || e === undefined) return unfit('its n or e is missing, malformed or too large');
  const [bits, exponent] = [bitLength(n), e.readUIntBE(0, e.length)];
  const problem =
    n.readUInt8(n.length - 1) % 2 === 0 ? 'its modulus is even' : describeUnfitRsa(bits, exponent);
  if (problem !== undefined) return unfit(problem);
  const jwkOfKey = { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
  return { kind: 'fit', jwk: jwkOfKey, cost: rsaCost(bits, exponent) };
}

/** Verifying takes one multiplication for each bit of the exponent, and one more for each that is set. */
function rsaCost(bits: number, exponent: number): number {
  return (bits / LEAST_MODULUS_BITS) ** 2 * (exponent === LEAST_EXPONENT ? 1 : 4);
}

/** A number without zeros in front, at least one byte; `undefined` for what is none, or has more bytes than it may. */
function readNumber(jwk: JsonObject, name: string, most: number, spelling: Spelling): Buffer | undefined {
  const bytes = readBytes(jwk, name, most, spelling);
  if (bytes === undefined) return undefined;
  const start = bytes.findIndex((byte) => byte !== 0);
  if (start === -1 || (start > 0 && spelling === 'canonical')) return undefined;
  return bytes.subarray(start);
}

const FORGIVEN = /^[\w+/-]+={0,2}$/;

function readBytes(jwk: JsonObject, name: string, most: number, spelling: Spelling): Buffer | undefined {
  const text = Object.hasOwn(jwk, name) ? jwk[name] : undefined;
  // Its length first: nothing that is too long is looked at.
  if (typeof text !== 'string' || text.length > Math.ceil(most / 3) * 4) return undefined;
  if (!(spelling === 'canonical' ? isBase64url(text) : FORGIVEN.test(text))) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > 0 && bytes.length <= most ? bytes : undefined;
}

function bitLength(bytes: Buffer): number {
  return bytes.length * 8 - Math.clz32(bytes.readUInt8(0)) + 24;
}

interface Curve {
  /** Bytes of a coordinate: it has its full length (RFC 7518 §6.2.1.2). */
  readonly size: number;
  /** OpenSSL is quick with one of them only: with the others it takes twenty to fifty times as long as with RSA. */
  readonly cost: number;
}

const CURVES: Readonly<Record<string, Curve>> = {
  'P-256': { size: 32, cost: 2 },
  'P-384': { size: 48, cost: 16 },
  'P-521': { size: 66, cost: 16 },
};

function curveFitness(jwk: JsonObject, spelling: Spelling): KeyFitness {
  const { crv } = jwk as { readonly crv?: unknown };
  const curve = typeof crv === 'string' && Object.hasOwn(CURVES, crv) ? CURVES[crv] : undefined;
  if (curve === undefined) return UNKNOWN_CURVE;
  const { size, cost } = curve;
  const [x, y] = [readCoordinate(jwk, 'x', size, spelling), readCoordinate(jwk, 'y', size, spelling)];
  if (x === undefined || y === undefined) {
    return unfit('a coordinate is missing, malformed, or not of its full length');
  }
  return { kind: 'fit', jwk: { kty: 'EC', crv: crv as string, x, y }, cost };
}

/** In its full length; where that is forgiven, zeros in front may be missing, or one too many. */
function readCoordinate(jwk: JsonObject, name: string, size: number, spelling: Spelling): string | undefined {
  if (spelling === 'canonical') {
    const bytes = readBytes(jwk, name, size, spelling);
    return bytes?.length === size ? bytes.toString('base64url') : undefined;
  }
  const number = readNumber(jwk, name, size + 1, spelling);
  if (number === undefined || number.length > size) return undefined;
  return Buffer.concat([Buffer.alloc(size - number.length), number]).toString('base64url');
}

const EDWARDS_BYTES = 32;

/** Its bytes begin with the lowest: none can be missing (RFC 8032 §5.1.2). */
function edwardsFitness(jwk: JsonObject, spelling: Spelling): KeyFitness {
  if (jwk['crv'] !== 'Ed25519') return UNKNOWN_CURVE;
  const x = readBytes(jwk, 'x', EDWARDS_BYTES, spelling);
  if (x?.length !== EDWARDS_BYTES) return unfit('its x is missing, malformed, or not of 32 bytes');
  if (isOfSmallOrder(x)) return unfit('its point is of a small order');
  return { kind: 'fit', jwk: { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') }, cost: 3 };
}

/**
 * The points of Ed25519 whose multiples are eight at most, as hexadecimal without their sign: for such a key, one signature is
 * right for an eighth of all texts, or for all. OpenSSL does not refuse them.
 */
const SMALL_ORDERS: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  // Not reduced: the first two again.
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

function isOfSmallOrder(point: Buffer): boolean {
  const withoutSign = Buffer.from(point);
  withoutSign.writeUInt8(point.readUInt8(31) & 0x7f, 31);
  return SMALL_ORDERS.has(withoutSign.toString('hex'));
}

function unfit(problem: string): KeyFitness {
  return { kind: 'unfit', problem };
}
