import { invalidToken } from '../challenge/oauth-error.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';

/** Where the status of a token stands. */
export interface StatusReference {
  /** The URL of a status list. */
  readonly uri: string;
  /** The place of the token in it. */
  readonly index: number;
}

/**
 * What the claim `status` of a token says, if it names a status list. Its other members may name mechanisms that nobody has
 * registered, and a `status` that is no object is a claim of the server's own.
 * @throws OAuthError 401 where the list is named wrongly: what restricts a token must not be passed over
 * @see draft-ietf-oauth-status-list §6.1
 */
export function statusReferenceOf(claims: JsonObject): StatusReference | undefined {
  const status = Object.hasOwn(claims, 'status') ? claims['status'] : undefined;
  if (!namesStatusList(status)) return undefined;
  const reference = status['status_list'];
  const { uri, idx } = isJsonObject(reference) ? reference : {};
  if (typeof uri !== 'string' || uri === '') throw malformed('uri is no text');
  if (!isIndex(idx)) throw malformed('idx is no whole number from 0');
  return { uri, index: idx };
}

/** Whether the `status` of a token, or of an introspection answer, has a status list in it, rightly named or not. */
export function namesStatusList(status: unknown): status is JsonObject {
  return isJsonObject(status) && Object.hasOwn(status, 'status_list');
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function malformed(detail: string): Error {
  return invalidToken('status_malformed', { detail: `status.status_list: ${detail}` });
}
