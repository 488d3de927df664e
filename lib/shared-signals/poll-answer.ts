import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import { isJsonObject, parseJsonObject } from '../jose/json-object.js';

/** What a transmitter has answered to a poll. */
export interface PollAnswer {
  /** Tokens by their `jti`. */
  readonly sets: readonly (readonly [tokenId: string, set: string])[];
  readonly moreAvailable: boolean;
}

/** @throws OAuthError 503 for what is no such answer @see RFC 8936 §2.4 */
export function readPollAnswer(body: string): PollAnswer {
  const { sets = {}, moreAvailable } = parseJsonObject(body) ?? { sets: undefined, moreAvailable: 'no JSON' };
  if (moreAvailable === 'no JSON' || !isJsonObject(sets)) throw invalidAnswer('poll', 'it has no sets');
  const all = Object.entries(sets).map(([tokenId, set]): PollAnswer['sets'][number] => {
    if (typeof set !== 'string') throw invalidAnswer('poll', 'one of its sets is no text');
    return [tokenId, set];
  });
  return { sets: all, moreAvailable: moreAvailable === true };
}
