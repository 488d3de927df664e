import type { Asked } from './ask.js';
import { notChecked, ok, problem, type Seen } from './finding.js';

/** A `Date` header has whole seconds. */
const RESOLUTION_MS = 1000;

/** How far a server's clock is from ours. @param tolerance seconds that are forgiven */
export function seeClock(asked: Asked, tolerance: number): Seen {
  if (asked.kind !== 'answered') return notChecked(asked.problem);
  const theirs = Date.parse(String(asked.headers.date));
  if (Number.isNaN(theirs)) return notChecked('its answer has no Date');
  // Cut off to whole seconds, it is half a second behind on average.
  const ahead = theirs + RESOLUTION_MS / 2 - asked.at;
  const doubt = (RESOLUTION_MS + asked.took) / 2;
  const seconds = Math.round(Math.abs(ahead) / 1000);
  if (Math.abs(ahead) - doubt <= tolerance * 1000)
    return ok(`its clock is within ${tolerance} s of this machine's`);
  return problem(
    `its clock is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} that of this machine, and ${tolerance} s are forgiven`,
    'Set the clocks by NTP; or, where that cannot be, raise clockTolerance.',
  );
}
