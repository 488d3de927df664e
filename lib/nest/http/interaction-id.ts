import { randomUUID } from 'node:crypto';
import type { InteractionIdSettings } from '../../options/interaction-id.settings.js';
import { INTERACTION_ID, isInteractionId } from '../../request/interaction-id.js';
import type { BeforeApp } from './before-app.js';
import { refuseAtOnce } from './refuse-at-once.js';

/**
 * Puts the interaction id on every answer: that of the request as it was sent, or a new one. What is no UUID is never repeated, for
 * it could hold anything.
 * @see FAPI 1.0 Baseline §6.2.1
 */
export function echoInteractionId({ missing, invalid }: InteractionIdSettings): BeforeApp {
  return (request, response) => {
    const sent = request.headers[INTERACTION_ID];
    const fault = sent === undefined ? missing : invalid;
    if (isInteractionId(sent)) {
      response.setHeader(INTERACTION_ID, sent);
      return false;
    }
    const generated = randomUUID();
    response.setHeader(INTERACTION_ID, generated);
    // Handlers, and what is told of the decision, read it there.
    request.headers[INTERACTION_ID] = generated;
    if (fault === 'generate') return false;
    refuseAtOnce(response, 400, `The header ${INTERACTION_ID} must be a UUID`);
    return true;
  };
}
