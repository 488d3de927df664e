import { messageOf } from '../common/message-of.js';
import { onlyVisible } from '../common/quoted.js';
import { answerWithin } from '../common/time-limit.js';
import { withoutSecret } from '../common/without-secret.js';
import { OAuthError } from '../challenge/oauth-error.js';
import { REMEDIES } from '../explain/remedies.js';
import { type Finding, type Look, problem, type Report, type Seen } from './finding.js';

/** One thing to look at. */
export interface LookToTake {
  readonly subject: string;
  readonly look: Look;
  /** @param signal is aborted when the time is over */
  readonly take: (signal: AbortSignal) => Promise<Seen | readonly Seen[]>;
}

/** What holds for every look. */
export interface LookRules {
  /** Milliseconds for each. */
  readonly timeout: number;
  /** What no text may repeat. */
  readonly secrets: readonly string[];
}

/** Characters of a text: somebody else may have written part of it. */
const LONGEST_TEXT = 2_000;

/** Takes all looks at once, each in its time: one that fails keeps no other from being taken. */
export async function takeLooks(looks: readonly LookToTake[], rules: LookRules): Promise<Report> {
  const taken = await Promise.all(looks.map(async (look) => takeLook(look, rules)));
  const findings = taken.flat();
  const outcome = findings.some(({ result }) => result === 'problem') ? 'problems' : 'fine';
  return { outcome, findings };
}

async function takeLook(
  { subject, look, take }: LookToTake,
  { timeout, secrets }: LookRules,
): Promise<readonly Finding[]> {
  const clean = (text: string): string =>
    onlyVisible(secrets.reduce(withoutSecret, text)).slice(0, LONGEST_TEXT);
  const seen = await seenWithin(take, timeout);
  return seen.map(({ result, found, remedy }) => ({
    subject: clean(subject),
    look,
    result,
    found: clean(found),
    ...(remedy === undefined ? {} : { remedy: clean(remedy) }),
  }));
}

async function seenWithin(take: LookToTake['take'], timeout: number): Promise<readonly Seen[]> {
  const controller = new AbortController();
  try {
    return [await answerWithin(take(controller.signal), 'it', timeout)].flat();
  } catch (error) {
    return [failed(error)];
  } finally {
    controller.abort();
  }
}

const UNREACHABLE =
  'Look whether it runs, and whether it can be reached from here: name, port, firewall, proxy. --timeout gives it longer.';

function failed(error: unknown): Seen {
  if (!(error instanceof OAuthError)) return problem(messageOf(error), UNREACHABLE);
  return problem(error.message, REMEDIES[error.reason]);
}
