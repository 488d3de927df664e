import { createPublicKey, hash, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import type { Api, ClientIdentity } from './api.js';
import { ask, type Asked } from './ask.js';

/** One call of an API. */
export interface Call {
  /** @default that of the API */
  readonly url?: URL;
  readonly client: ClientIdentity | undefined;
  readonly token: string;
  readonly key?: KeyObject | undefined;
  /** What the proof says to be for. @default the URL */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Calls an API with a token, and with a proof where there is a key for one; a nonce that it asks for is sent. */
export async function callApi({ url: apiUrl, ca }: Pick<Api, 'url' | 'ca'>, call: Call): Promise<Asked> {
  const { url = apiUrl, client, token, key, headers = {}, signal } = call;
  const send = async (credentials: Readonly<Record<string, string>>): Promise<Asked> =>
    ask(url, { ca, client, signal, headers: { ...headers, ...credentials } });
  if (key === undefined) return send({ authorization: `Bearer ${token}` });
  const target = call.target ?? url.origin + url.pathname;
  const proved = async (nonce?: string): Promise<Asked> =>
    send({ authorization: `DPoP ${token}`, dpop: await proofFor(target, token, key, nonce) });
  const first = await proved();
  if (first.kind !== 'answered' || errorOf(first) !== 'use_dpop_nonce') return first;
  return proved(String(first.headers['dpop-nonce']));
}

async function proofFor(
  htu: string,
  token: string,
  key: KeyObject,
  nonce: string | undefined,
): Promise<string> {
  const { kty, crv, x, y, n, e } = createPublicKey(key).export({ format: 'jwk' });
  return new SignJWT({
    htm: 'GET',
    htu,
    jti: randomUUID(),
    ath: hash('sha256', token, 'base64url'),
    ...(nonce === undefined ? {} : { nonce }),
  })
    .setProtectedHeader({
      alg: algorithmOf(key),
      typ: 'dpop+jwt',
      jwk: JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as object,
    })
    .setIssuedAt()
    .sign(key);
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
  ed25519: 'EdDSA',
  rsa: 'PS256',
};

/** What a key signs proofs by. @throws TypeError for a key that signs none */
export function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const algorithm = ALGORITHMS[asymmetricKeyDetails?.namedCurve ?? String(asymmetricKeyType)];
  if (algorithm === undefined) throw new TypeError('a key of this kind signs no proof');
  return algorithm;
}

/** The challenge of an answer; empty where there is none. */
export function challengeOf(asked: Asked): string {
  return asked.kind === 'answered' ? (asked.headers['www-authenticate'] ?? '') : '';
}

/** The error code that a challenge names, in small letters and underscores. */
export function errorOf(asked: Asked): string | undefined {
  return /\berror="([a-z_]{1,40})"/.exec(challengeOf(asked))?.[1];
}

/** An answer for people. */
export function describe(asked: Asked): string {
  if (asked.kind !== 'answered')
    return asked.kind === 'refused' ? `the connection was refused (${asked.problem})` : asked.problem;
  const error = errorOf(asked);
  return error === undefined ? `${asked.status}` : `${asked.status} ${error}`;
}

/** What an API answers of itself, when nobody has refused the caller. */
const PAST: ReadonlySet<number> = new Set([404, 405, 406, 409, 410, 415, 422]);

/** Whether a call has come past the checks of its token: refused for its scopes, it has. */
export function isPast(asked: Asked): boolean {
  if (asked.kind !== 'answered') return false;
  const { status } = asked;
  return status < 400 || PAST.has(status) || (status === 403 && errorOf(asked) !== undefined);
}
