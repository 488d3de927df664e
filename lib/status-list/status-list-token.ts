import { promisify } from 'node:util';
import { inflate, type InputType, type ZlibOptions } from 'node:zlib';
import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import type { SigningKeys } from '../authorization-server/signing-keys.js';
import { acceptedAlgorithm, verifySignature } from '../authorization-server/verify-signature.js';
import { OAuthError } from '../challenge/oauth-error.js';
import { timeOf } from '../claims/check-claims.js';
import { messageOf } from '../common/message-of.js';
import { quoted } from '../common/quoted.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { normalizeType } from '../jose/media-type.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { isBase64url, readTokenShape } from '../jose/token-shape.js';
import { type StatusBits, StatusList, type StatusListLimits } from './status-list.js';
import type { StatusListRules } from './status-list-rules.js';

const LIST_TYPE = 'statuslist+jwt';

/** The media type to ask for. */
export const STATUS_LIST_MEDIA_TYPE = `application/${LIST_TYPE}`;

/**
 * Verifies a status list token with the keys of the server whose tokens it is about, and unpacks its list.
 * @param uri where it was fetched: its `sub` must be the same
 * @throws OAuthError 503: a list that can't be trusted says nothing about any token
 * @see draft-ietf-oauth-status-list §5.1, §8.3
 */
export async function readStatusListToken(
  jwt: string,
  uri: string,
  rules: StatusListRules,
  keys: SigningKeys,
): Promise<StatusList> {
  try {
    return await verified(jwt, uri, rules, keys);
  } catch (cause) {
    if (cause instanceof OAuthError && cause.refusal.status === 503) throw cause;
    throw invalidAnswer(`the status list ${uri}`, messageOf(cause), cause);
  }
}

async function verified(
  jwt: string,
  uri: string,
  rules: StatusListRules,
  keys: SigningKeys,
): Promise<StatusList> {
  const shape = readTokenShape(jwt);
  if (shape.kind !== 'jwt') throw new Error('it is no signed JWT');
  const { header, payload } = shape;
  const algorithm = checkHeader(header, rules);
  await verifySignature({ jws: jwt, algorithm, kid: header['kid'] }, keys);
  checkClaims(payload, uri, rules);
  const { bits, lst } = listOf(payload);
  const bytes = await unpack(lst, rules.maxSize);
  return new StatusList(bytes, bits, issuedAt(payload, rules), limitsOf(payload, rules));
}

/** @returns the algorithm that the header names */
function checkHeader({ typ, alg, ...header }: JsonObject, rules: StatusListRules): SignatureAlgorithm {
  if (typeof typ !== 'string' || normalizeType(typ) !== LIST_TYPE)
    throw new Error(`its typ is not ${LIST_TYPE}`);
  const algorithm = acceptedAlgorithm(alg, rules.algorithms);
  if (algorithm === undefined) throw new Error(`its alg is ${quoted(alg)}, which is not accepted`);
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64'))
    throw new Error('it has a critical header');
  return algorithm;
}

/** It need not name its issuer, for the key tells; where it does, it must not be another one. */
function checkClaims(payload: JsonObject, uri: string, { issuer }: StatusListRules): void {
  if (payload['sub'] !== uri) throw new Error(`its sub is ${quoted(payload['sub'])}, and not its own URL`);
  if (Object.hasOwn(payload, 'iss') && payload['iss'] !== issuer) {
    throw new Error(`its iss is ${quoted(payload['iss'])}, expected ${JSON.stringify(issuer)}`);
  }
}

function issuedAt(payload: JsonObject, { clockTolerance }: StatusListRules): number {
  const iat = timeOf(payload, 'iat');
  if (iat === undefined) throw new Error('it has no iat');
  if (iat > Date.now() / 1000 + clockTolerance) throw new Error('its iat is in the future');
  return iat;
}

function limitsOf(payload: JsonObject, { clockTolerance }: StatusListRules): StatusListLimits {
  const ttl = timeOf(payload, 'ttl') ?? Infinity;
  if (ttl <= 0) throw new Error('its ttl is not above 0');
  const untilExpiry = (timeOf(payload, 'exp') ?? Infinity) - Date.now() / 1000 + clockTolerance;
  if (untilExpiry <= 0) throw new Error('it has expired');
  return { ttl, untilExpiry };
}

function listOf(payload: JsonObject): { readonly bits: StatusBits; readonly lst: string } {
  const list = payload['status_list'];
  if (!isJsonObject(list)) throw new Error('it has no status_list');
  const { bits, lst } = list;
  if (!isBits(bits)) throw new Error('its bits are not 1, 2, 4 or 8');
  if (typeof lst !== 'string' || !isBase64url(lst)) throw new Error('its lst is no base64url');
  return { bits, lst };
}

function isBits(value: unknown): value is StatusBits {
  return value === 1 || value === 2 || value === 4 || value === 8;
}

/** What `inflate` gives where it is asked for more than the bytes: how far it has read, too. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const inflateFully = promisify(inflate as unknown as Inflate);

type Inflate = (
  packed: InputType,
  options: ZlibOptions,
  done: (error: Error | null, result: Inflated) => void,
) => void;

/** zlib (RFC 1950) and nothing behind it, which would be ignored without a word. */
async function unpack(lst: string, maxSize: number): Promise<Uint8Array> {
  const packed = Buffer.from(lst, 'base64url');
  const { buffer, engine } = await inflateFully(packed, { maxOutputLength: maxSize, info: true });
  if (engine.bytesWritten !== packed.length) throw new Error('its lst has something behind its list');
  return buffer;
}
