/** What one signature verification costs by itself: the measure of what a new token or proof may cost. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from 'jose';
import { readCredentials } from '../load/credentials-file.js';
import { answerQuestions, cpuMicros, readSettings } from './answer-questions.js';

/** What is verified, and how. */
export interface VerificationSettings {
  /**
   * `jose.jwtVerify`: of the token, in a plain loop. `crypto.verify`: the bare signature of the proof, or of the token
   * where there is none.
   */
  readonly by: 'jose.jwtVerify' | 'crypto.verify';
  /** File of the credentials. */
  readonly credentials: string;
  /** The public key; in a proof there is one already. */
  readonly jwk: JWK;
  readonly issuer: string;
  readonly audience: string;
}

/** Where to begin, and how many. */
export interface VerificationRun {
  readonly from: number;
  readonly count: number;
}

const settings = readSettings() as VerificationSettings;
const credentials = await readCredentials(settings.credentials);
const algorithm = String(settings.jwk.alg);
const joseKey = await importJWK(settings.jwk, algorithm);

const handlers = {
  /** @returns CPU time in microseconds, all of them together */
  async verify({ from, count }: VerificationRun): Promise<number> {
    const chosen = credentials.slice(from, from + count);
    if (chosen.length < count) throw new RangeError('there are not that many tokens');
    return settings.by === 'jose.jwtVerify'
      ? verifyTokens(chosen.map(({ token }) => token))
      : verifySignatures(chosen.map(({ token, proof }) => proof ?? token));
  },
};

export type VerificationProtocol = typeof handlers;

async function verifyTokens(tokens: readonly string[]): Promise<number> {
  const { issuer, audience } = settings;
  const before = cpuMicros();
  for (const token of tokens) await jwtVerify(token, joseKey, { issuer, audience, typ: 'at+jwt' });
  return cpuMicros() - before;
}

function verifySignatures(jwts: readonly string[]): number {
  const prepared = jwts.map((jwt) => ({
    input: Buffer.from(jwt.slice(0, jwt.lastIndexOf('.'))),
    signature: Buffer.from(jwt.slice(jwt.lastIndexOf('.') + 1), 'base64url'),
  }));
  // At the key, not in an object with it: in Node 24 that would cost as much again.
  const key = Object.assign(keyOf(jwts[0] ?? ''), { dsaEncoding: 'ieee-p1363' });
  const before = cpuMicros();
  for (const { input, signature } of prepared) {
    if (!verify('sha256', input, key, signature)) {
      throw new Error('a signature is not right');
    }
  }
  return cpuMicros() - before;
}

function keyOf(jwt: string): KeyObject {
  const { jwk = settings.jwk } = decodeProtectedHeader(jwt);
  return createPublicKey({ key: { ...jwk }, format: 'jwk' });
}

answerQuestions(handlers);
