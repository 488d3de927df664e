import { constants, type KeyObject, verify } from 'node:crypto';
import { type Members, membersOf, must, textOf } from './verdict.js';

/** A compact JWS taken apart (RFC 7515 §3.1): nothing in it is verified. */
export interface Jws {
  readonly header: Members;
  readonly payload: Members;
  readonly input: Buffer;
  readonly signature: Buffer;
}

/** Takes a JWT apart (RFC 7519 §7.2). @throws MustRefuse */
export function readJws(text: string): Jws {
  const parts = text.split('.');
  must(parts.length === 3, 'RFC 7515 §3.1: three parts');
  const [header, payload, signature] = parts.map(decode) as [Buffer, Buffer, Buffer];
  const input = Buffer.from(parts.slice(0, 2).join('.'), 'latin1');
  return { header: jsonObject(header), payload: jsonObject(payload), input, signature };
}

/** RFC 7515 §2: base64url without padding, line breaks or any other characters; RFC 4648 §3.5: one spelling. */
function decode(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  must(bytes.toString('base64url') === part, 'RFC 7515 §2: base64url, in its one spelling');
  return bytes;
}

function jsonObject(bytes: Buffer): Members {
  const members = membersOf(jsonOf(bytes));
  must(members !== undefined, 'RFC 7519 §7.2: a JSON object, in UTF-8');
  return members;
}

/** RFC 8259 §8.1: a byte order mark is not added; here it is no JSON. */
function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** What an algorithm of RFC 7518 and RFC 8037 wants: its kind of key, its hash, the length of its signatures. */
interface Algorithm {
  readonly hash: string | null;
  readonly fits: (key: KeyObject) => boolean;
  readonly options?: object;
  readonly length?: number;
}

const rsa = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
const ec =
  (curve: string) =>
  (key: KeyObject): boolean =>
    key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
const p1363 = { dsaEncoding: 'ieee-p1363' };
const ed25519: Algorithm = { hash: null, fits: (key) => key.asymmetricKeyType === 'ed25519', length: 64 };

const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['RS256', { hash: 'sha256', fits: rsa, options: pkcs1 }],
  ['RS384', { hash: 'sha384', fits: rsa, options: pkcs1 }],
  ['RS512', { hash: 'sha512', fits: rsa, options: pkcs1 }],
  ['PS256', { hash: 'sha256', fits: rsa, options: pss }],
  ['PS384', { hash: 'sha384', fits: rsa, options: pss }],
  ['PS512', { hash: 'sha512', fits: rsa, options: pss }],
  ['ES256', { hash: 'sha256', fits: ec('prime256v1'), options: p1363, length: 64 }],
  ['ES384', { hash: 'sha384', fits: ec('secp384r1'), options: p1363, length: 96 }],
  ['ES512', { hash: 'sha512', fits: ec('secp521r1'), options: p1363, length: 132 }],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
]);

/** Whether a signature is by this key, with the algorithm that the header names (RFC 7518 §3, RFC 8037 §3.1). */
export function isSignedBy(jws: Jws, key: KeyObject): boolean {
  const algorithm = ALGORITHMS.get(textOf(jws.header, 'alg'));
  if (algorithm === undefined || !algorithm.fits(key)) return false;
  if (algorithm.length !== undefined && jws.signature.length !== algorithm.length) return false;
  return verify(algorithm.hash, jws.input, { key, ...algorithm.options }, jws.signature);
}

/** @throws MustRefuse for extensions: none is understood here (RFC 7515 §4.1.11, RFC 7797 §6) */
export function requireNoExtension(header: Members): void {
  must(!header.has('crit'), 'RFC 7515 §4.1.11: an extension that is not understood');
  must(!header.has('b64'), 'RFC 7797 §6: b64 without crit');
}

/** RFC 7515 §4.1.9: a media type, of which case does not count, nor `application/` before it. */
export function typeOf(header: Members): string | undefined {
  const type = header.get('typ');
  if (type === undefined) return undefined;
  must(typeof type === 'string', 'RFC 7515 §4.1.9: typ is a string');
  return type.toLowerCase().replace(/^application\//, '');
}
