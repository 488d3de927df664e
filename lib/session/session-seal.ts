import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { SessionSettings } from './session-settings.js';

/** What a cookie holds. Times are whole seconds since the epoch. */
export interface Session {
  readonly token: string;
  /** When it was made of a token. */
  readonly startedAt: number;
  /** When it was sealed last: at the start, and again as it is used. */
  readonly sealedAt: number;
}

/** A session that was sealed here. */
export interface OpenedSession extends Session {
  /** Whether another secret than the first has sealed it. */
  readonly isOld: boolean;
}

const PURPOSE = 'nestjs-cert-bound-auth session 1';
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TIMES_BYTES = 8;
const TAG_BYTES = 16;
const LEAST_BYTES = NONCE_BYTES + TIMES_BYTES + TAG_BYTES + 1;

/**
 * Seals sessions into the values of cookies: AES-256-GCM with a key that is derived from a secret (HKDF, RFC 5869). What is
 * sealed opens for the same cookie and the same client certificate alone.
 */
export class SessionSeal {
  private readonly first: KeyObject;
  private readonly others: readonly KeyObject[];

  constructor({ secrets, cookie }: Pick<SessionSettings, 'secrets' | 'cookie'>) {
    const [first, ...others] = secrets;
    this.first = keyOf(first, cookie);
    this.others = others.map((secret) => keyOf(secret, cookie));
  }

  /** @param thumbprint of the client certificate that it is for */
  seal({ token, startedAt, sealedAt }: Session, thumbprint: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.first, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(thumbprint));
    const times = Buffer.alloc(TIMES_BYTES);
    times.writeUInt32BE(startedAt, 0);
    times.writeUInt32BE(sealedAt, 4);
    const sealed = [cipher.update(times), cipher.update(token, 'latin1'), cipher.final()];
    return Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** @returns `undefined` for what is not as it was sealed, and for another certificate */
  open(value: string, thumbprint: string): OpenedSession | undefined {
    const bytes = Buffer.from(value, 'base64url');
    // Other texts stand for the same bytes: none of them is ours.
    if (bytes.length < LEAST_BYTES || bytes.toString('base64url') !== value) return undefined;
    const aad = Buffer.from(thumbprint);
    const plain = opened(bytes, this.first, aad);
    if (plain !== undefined) return sessionIn(plain, false);
    for (const key of this.others) {
      const old = opened(bytes, key, aad);
      if (old !== undefined) return sessionIn(old, true);
    }
    return undefined;
  }
}

/** Another name of the cookie makes another key. */
function keyOf(secret: string | Uint8Array, cookie: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `${PURPOSE} ${cookie}`, 32)));
}

function opened(bytes: Buffer, key: KeyObject, aad: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(aad);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}

function sessionIn(plain: Buffer, isOld: boolean): OpenedSession {
  return {
    token: plain.toString('latin1', TIMES_BYTES),
    startedAt: plain.readUInt32BE(0),
    sealedAt: plain.readUInt32BE(4),
    isOld,
  };
}
