import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import { OAuthError } from '../challenge/oauth-error.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { messageOf } from '../common/message-of.js';
import { audienceOf, timeOf } from '../claims/check-claims.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { normalizeType } from '../jose/media-type.js';
import type { SigningKeys } from '../authorization-server/signing-keys.js';
import { readTokenShape } from '../jose/token-shape.js';
import {
  acceptedAlgorithm,
  type SignedText,
  verifySignature,
} from '../authorization-server/verify-signature.js';

/** What a signed introspection answer must be. */
export interface SignedAnswerRules {
  readonly issuer: string;
  /** Our client id at the server, and our audience: the answer must be meant for one of them. */
  readonly audience: readonly string[];
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Seconds. */
  readonly clockTolerance: number;
}

const ANSWER_TYPE = 'token-introspection+jwt';

/** The media type to ask for. */
export const SIGNED_ANSWER_MEDIA_TYPE = `application/${ANSWER_TYPE}`;

/**
 * Verifies a signed introspection answer.
 * @returns its `token_introspection` member
 * @throws OAuthError 503: an answer that can't be trusted says nothing about the token
 * @see RFC 9701 §5
 */
export async function verifySignedAnswer(
  jwt: string,
  rules: SignedAnswerRules,
  keys: SigningKeys,
): Promise<JsonObject> {
  const shape = readTokenShape(jwt);
  if (shape.kind !== 'jwt') throw invalid('it is no signed JWT');
  const algorithm = checkHeader(shape.header, rules);
  await verifyAnswerSignature({ jws: jwt, algorithm, kid: shape.header['kid'] }, keys);
  checkAnswer(shape.payload, rules);
  const answer = shape.payload['token_introspection'];
  if (!isJsonObject(answer)) throw invalid('it has no token_introspection');
  return answer;
}

/** @returns the algorithm that the header names */
function checkHeader(
  { typ, alg, ...header }: JsonObject,
  { algorithms }: SignedAnswerRules,
): SignatureAlgorithm {
  if (typeof typ !== 'string' || normalizeType(typ) !== ANSWER_TYPE)
    throw invalid(`its typ is not ${ANSWER_TYPE}`);
  const algorithm = acceptedAlgorithm(alg, algorithms);
  if (algorithm === undefined) throw invalid('its alg is not accepted');
  if (Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64'))
    throw invalid('it has a critical header');
  return algorithm;
}

/** A signature that does not verify refuses no token: it is the answer that is refused. */
async function verifyAnswerSignature(answer: SignedText, keys: SigningKeys): Promise<void> {
  try {
    await verifySignature(answer, keys);
  } catch (cause) {
    throw cause instanceof OAuthError && cause.refusal.status === 503
      ? cause
      : invalid(messageOf(cause), cause);
  }
}

function checkAnswer(payload: JsonObject, { issuer, audience, clockTolerance }: SignedAnswerRules): void {
  const now = Date.now() / 1000;
  if (payload['iss'] !== issuer) throw invalid('its iss is not the server');
  const { aud, iat, exp } = readClaims(payload);
  if (!aud.some((value) => audience.includes(value)))
    throw invalid('its aud is neither our client id nor our audience');
  if (iat === undefined || iat > now + clockTolerance) throw invalid('its iat is missing or in the future');
  if (now >= exp + clockTolerance) throw invalid('it has expired');
}

function readClaims(payload: JsonObject): {
  aud: readonly string[];
  iat: number | undefined;
  exp: number;
} {
  try {
    // It need not expire (RFC 9701 §5): the token that it is about does.
    const exp = timeOf(payload, 'exp') ?? Infinity;
    return { aud: audienceOf(payload), iat: timeOf(payload, 'iat'), exp };
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
}

function invalid(detail: string, cause?: unknown): OAuthError {
  return invalidAnswer('signed introspection answer', detail, cause);
}
