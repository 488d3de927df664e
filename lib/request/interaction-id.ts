import { type HttpRequest, rawRequestOf } from './http-request.js';

/** By which a client and an API of open banking name one call. @see FAPI 1.0 Baseline §6.2.1 */
export const INTERACTION_ID = 'x-fapi-interaction-id';

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a header names one call: what is no UUID could hold anything, and is never repeated. */
export function isInteractionId(sent: unknown): sent is string {
  return typeof sent === 'string' && UUID.test(sent);
}

/** The name of a call, for the log and the events: that of its answer; `undefined` where it has none that may be repeated. */
export function interactionIdOf(request: HttpRequest): string | undefined {
  // Calls that are not of HTTP may have no headers.
  const { headers } = rawRequestOf(request) as { readonly headers?: Readonly<Record<string, unknown>> };
  const sent = headers?.[INTERACTION_ID];
  return isInteractionId(sent) ? sent : undefined;
}
