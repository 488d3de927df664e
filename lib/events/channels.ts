import { channel } from 'node:diagnostics_channel';

/** On `node:diagnostics_channel`: every decision about a request, as an `AccessDecision`. */
export const DECISION_CHANNEL = 'nestjs-cert-bound-auth:decision';

/** On `node:diagnostics_channel`: every call to an authorization server, as an `AuthorizationServerCall`. */
export const SERVER_CALL_CHANNEL = 'nestjs-cert-bound-auth:authorization-server-call';

/** On `node:diagnostics_channel`: every certificate that passed unchecked, as an `UncheckedRevocation`. */
export const UNCHECKED_REVOCATION_CHANNEL = 'nestjs-cert-bound-auth:unchecked-revocation';

export const decisions = channel(DECISION_CHANNEL);
export const serverCalls = channel(SERVER_CALL_CHANNEL);
export const uncheckedRevocations = channel(UNCHECKED_REVOCATION_CHANNEL);
