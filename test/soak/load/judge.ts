import { createHash } from 'node:crypto';
import type { Attempt, Caller, Kind } from '../kinds/kind.js';
import type { Tally, WrongDecision } from '../record/tally.js';
import type { Exchange } from '../world/key-ring.js';
import type { Response } from './response-reader.js';

/** Looks up what the server has decided on a token. @param digest SHA-256, base64url */
export type DecisionsOn = (digest: string) => Promise<readonly string[]>;

/** Compares answers with what is right, and shows the first that are not. */
export class Judge {
  constructor(
    private readonly tally: Tally,
    private readonly decisionsOn: DecisionsOn,
    private readonly show: (wrong: WrongDecision) => void,
  ) {}

  async judge(
    { name }: Pick<Kind, 'name'>,
    { realm }: Caller,
    attempt: Attempt,
    response: Response,
    exchange: Exchange,
  ): Promise<void> {
    this.tally.count(name, response.status);
    attempt.answered?.(response.status);
    const allowed = attempt.allowed(exchange);
    const fault = allowed.includes(response.status)
      ? faultOf(attempt, response)
      : `status ${response.status}${response.challenge === undefined ? '' : ` ${response.challenge}`}`;
    if (fault === undefined || !this.tally.countWrong()) return;
    const { token } = attempt;
    const tokenDigest =
      token === undefined ? undefined : createHash('sha256').update(token).digest('base64url');
    this.show({
      kind: name,
      platform: realm.name,
      expected: allowed.join(' or '),
      got: fault,
      tokenDigest,
      exchange,
      decisions: tokenDigest === undefined ? [] : await this.decisionsOn(tokenDigest),
    });
  }
}

/** What is wrong with an answer beside its status. */
function faultOf(
  { subject }: Attempt,
  { status, retryAfter, challenge, body }: Response,
): string | undefined {
  switch (status) {
    case 200:
      return subject === undefined || body.includes(JSON.stringify(subject))
        ? undefined
        : 'status 200 with the data of somebody else';
    case 503:
      return /^[1-9]\d*$/.test(retryAfter ?? '') ? undefined : `status 503 with Retry-After: ${retryAfter}`;
    default:
      return challenge === undefined ? `status ${status} without WWW-Authenticate` : undefined;
  }
}
