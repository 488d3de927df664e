import type { AuthorizationServerCall } from '../events/authorization-server-call.js';
import { serverCalls } from '../events/channels.js';

/** Tells whoever listens of a call to an authorization server. */
export function publishCall(call: AuthorizationServerCall): void {
  if (serverCalls.hasSubscribers) serverCalls.publish(call);
}
