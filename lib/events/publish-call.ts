import type { AuthorizationServerCall } from './authorization-server-call.js';
import { serverCalls } from './channels.js';

/** Tells whoever listens of a call to an authorization server. */
export function publishCall(call: AuthorizationServerCall): void {
  if (serverCalls.hasSubscribers) serverCalls.publish(call);
}
