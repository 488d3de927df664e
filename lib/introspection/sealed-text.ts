import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_LENGTH = 12;
const TAG_LENGTH = 16;

/**
 * Encrypts and authenticates text (AES-256-GCM, a random IV each time).
 * @param key 32 bytes
 * @param context what the text belongs to: with another one it can't be opened
 * @returns IV, tag and ciphertext, base64url
 */
export function seal(text: string, key: Uint8Array, context: string): string {
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv(ALGORITHM, key, iv);
  cipher.setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext]).toString('base64url');
}

/** The text that was sealed. @throws Error when it was with another key or context, or has been changed */
export function open(sealed: string, key: Uint8Array, context: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const [iv, tag, ciphertext] = [
    bytes.subarray(0, IV_LENGTH),
    bytes.subarray(IV_LENGTH, IV_LENGTH + TAG_LENGTH),
    bytes.subarray(IV_LENGTH + TAG_LENGTH),
  ];
  // Without its length, a part of the tag would do.
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_LENGTH });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString();
}
