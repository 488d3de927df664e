import { hash } from 'node:crypto';

/** What stands for some properties of a token in the list: 120 bits of SHA-256, and which properties they are. */
export interface TokenKey {
  /** Each a signed integer of 32 bits. */
  readonly words: readonly [number, number, number, number];
  readonly shape: Shape;
}

/** Which properties of a token are named: the sum of some of {@link SHAPE}. */
export type Shape = number;

/** Each property of a token that it can be revoked by, as one bit. */
export const SHAPE = {
  subject: 1,
  sessionId: 2,
  tokenId: 4,
  clientId: 8,
  certificateThumbprint: 16,
  /** The token names no session. */
  withoutSession: 32,
  /** It is about whether the account of the subject may be used, which can be taken back. */
  account: 64,
  /** The certificate that it is bound to, by its issuer and serial number. */
  certificate: 128,
} as const;

/** Of what refuses nothing: no token names a session and none. */
export const MARK: Shape = SHAPE.sessionId + SHAPE.withoutSession;

/** The key of an issuer, and of these properties of its tokens. @param values in the order of {@link SHAPE} */
export function tokenKey(shape: Shape, issuer: string, values: readonly string[]): TokenKey {
  const digest = Buffer.from(hash('sha256', JSON.stringify([shape, issuer, ...values]), 'hex'), 'hex');
  digest[0] = shape;
  return keyIn(digest);
}

/** Reads what {@link keyText} has written. @throws TypeError for what is no key */
export function readKey(text: string): TokenKey {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== BYTES) throw new TypeError('a key of a revocation has 16 bytes');
  return keyIn(bytes);
}

/** 22 characters, base64url. */
export function keyText({ words }: Pick<TokenKey, 'words'>): string {
  const bytes = Buffer.alloc(BYTES);
  for (const [index, word] of words.entries()) bytes.writeInt32BE(word, index * 4);
  return bytes.toString('base64url');
}

const BYTES = 16;

function keyIn(bytes: Buffer): TokenKey {
  return {
    words: [bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(8), bytes.readInt32BE(12)],
    shape: bytes.readUInt8(0),
  };
}
