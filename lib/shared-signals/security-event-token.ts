import type { KeysToVerifyWith } from '../authorization-server/signing-keys.js';
import { acceptedAlgorithm, verifySignature } from '../authorization-server/verify-signature.js';
import { OAuthError } from '../challenge/oauth-error.js';
import { isJsonObject, isShallow, type JsonObject } from '../jose/json-object.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { normalizeType } from '../jose/media-type.js';
import { readTokenShape } from '../jose/token-shape.js';
import { SetError } from './set-error.js';

/** A security event token of which nothing is believed yet. */
export interface UnverifiedSet {
  readonly jws: string;
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/** A security event token that its transmitter has signed, for this API. */
export interface SecurityEventToken {
  readonly issuer: string;
  /** `jti`. */
  readonly tokenId: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  /** `sub_id`, as it stands. */
  readonly subject: unknown;
  /** One event; more where it has several names. */
  readonly events: readonly SecurityEvent[];
}

/** One event: its type, and what the transmitter says of it. */
export interface SecurityEvent {
  readonly type: string;
  readonly payload: JsonObject;
}

/** What the tokens of one transmitter must be. */
export interface SetRules {
  readonly issuer: string;
  /** One of these must be in `aud`. */
  readonly audience: readonly string[];
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Seconds. */
  readonly clockTolerance: number;
}

const SET_TYPE = 'secevent+jwt';

/** The media type of a security event token (RFC 8417 §7.1). */
export const SET_MEDIA_TYPE = `application/${SET_TYPE}`;

/** Reads the shape of a token, whoever has written it. @throws SetError */
export function readSet(jws: string): UnverifiedSet {
  const shape = readTokenShape(jws);
  if (shape.kind !== 'jwt') throw new SetError('invalid_request', 'it is no signed JWT');
  return { jws, header: shape.header, payload: shape.payload };
}

/**
 * Verifies a token with the keys of its transmitter.
 * @throws SetError; OAuthError 503 where the keys cannot be had
 * @see RFC 8417 §2, §4; SSF 1.0 §4.1
 */
export async function verifySet(
  set: UnverifiedSet,
  rules: SetRules,
  keys: KeysToVerifyWith,
): Promise<SecurityEventToken> {
  const algorithm = checkHeader(set, [SET_TYPE], rules);
  await verifySigned(set, algorithm, keys);
  const { payload } = set;
  checkIssuer(payload, rules);
  checkAudience(payload, rules);
  // They would make it pass for another kind of token (SSF 1.0 §4.1.6, §4.1.7).
  for (const name of ['sub', 'exp'])
    if (Object.hasOwn(payload, name)) throw new SetError('invalid_request', `it must not have ${name}`);
  return {
    issuer: rules.issuer,
    tokenId: textOf(payload, 'jti'),
    issuedAt: issuedAt(payload, rules),
    subject: payload['sub_id'],
    events: eventsOf(payload),
  };
}

/** @returns the algorithm that the header names */
export function checkHeader(
  { header }: UnverifiedSet,
  types: readonly (string | undefined)[],
  { algorithms }: Pick<SetRules, 'algorithms'>,
): SignatureAlgorithm {
  const { typ, alg } = header;
  const type = typeof typ === 'string' ? normalizeType(typ) : undefined;
  if (!types.includes(type) || (typ !== undefined && type === undefined))
    throw new SetError('invalid_request', `its typ is not ${types.find((each) => each !== undefined)}`);
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64'))
    throw new SetError('invalid_request', 'it has a critical header');
  const algorithm = acceptedAlgorithm(alg, algorithms);
  if (algorithm === undefined) throw new SetError('invalid_key', 'its alg is not accepted');
  return algorithm;
}

/** @throws SetError; OAuthError 503 where the keys cannot be had */
export async function verifySigned(
  { jws, header }: UnverifiedSet,
  algorithm: SignatureAlgorithm,
  keys: KeysToVerifyWith,
): Promise<void> {
  try {
    await verifySignature({ jws, algorithm, kid: header['kid'] }, keys);
  } catch (cause) {
    if (!(cause instanceof OAuthError) || cause.refusal.status === 503) throw cause;
    throw cause.reason === 'signature_invalid'
      ? new SetError('authentication_failed', 'its signature is not that of the transmitter', cause)
      : new SetError('invalid_key', 'its key is none of the transmitter', cause);
  }
}

/** @throws SetError */
export function checkIssuer(payload: JsonObject, { issuer }: Pick<SetRules, 'issuer'>): void {
  if (payload['iss'] !== issuer) throw new SetError('invalid_issuer', 'its iss is not the transmitter');
}

/** @throws SetError */
export function checkAudience(payload: JsonObject, { audience }: Pick<SetRules, 'audience'>): void {
  const named: readonly unknown[] = [payload['aud']].flat();
  if (!named.some((each) => typeof each === 'string' && audience.includes(each)))
    throw new SetError('invalid_audience', 'its aud does not name this receiver');
}

/** A claim that must be text. @throws SetError */
export function textOf(payload: JsonObject, name: string): string {
  const value = payload[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new SetError('invalid_request', `its ${name} is no text`);
}

/** However old it is: what was lost for a while still counts. @throws SetError */
export function issuedAt(payload: JsonObject, { clockTolerance }: Pick<SetRules, 'clockTolerance'>): number {
  const { iat } = payload;
  if (typeof iat !== 'number' || !Number.isFinite(iat) || iat < 0)
    throw new SetError('invalid_request', 'its iat is no time');
  if (iat > Date.now() / 1000 + clockTolerance)
    throw new SetError('invalid_request', 'its iat is in the future');
  return iat;
}

/** @throws SetError */
export function eventsOf({ events }: JsonObject): readonly SecurityEvent[] {
  if (!isJsonObject(events)) throw new SetError('invalid_request', 'its events are no object');
  const all = Object.entries(events);
  if (all.length === 0) throw new SetError('invalid_request', 'it has no event');
  return all.map(([type, payload]) => {
    if (!isJsonObject(payload) || !isShallow(payload))
      throw new SetError('invalid_request', 'an event is no object');
    return { type, payload };
  });
}
