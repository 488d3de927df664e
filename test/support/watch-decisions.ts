import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type AccessDecision, DECISION_CHANNEL } from 'nestjs-cert-bound-auth';
import { whenOver } from './world.js';

/** What is published on the channel of decisions from now on until the test is over. */
export function watchDecisions(): readonly AccessDecision[] {
  const seen: AccessDecision[] = [];
  const note = (decision: unknown): unknown => seen.push(decision as AccessDecision);
  subscribe(DECISION_CHANNEL, note);
  whenOver(async () => unsubscribe(DECISION_CHANNEL, note));
  return seen;
}
