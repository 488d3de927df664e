import type { NamedCertificate } from '../client-certificate/identity/certificate-name.js';
import type { JsonObject } from '../jose/json-object.js';
import { EVENT } from './event-types.js';
import type { SecurityEvent } from './security-event-token.js';

/** What is done about an event. */
export type Reaction =
  /** Tokens of its subject are refused that were issued until then. */
  | { readonly kind: 'revoke' }
  /** The same; a session that it names does not come back. */
  | { readonly kind: 'end-session' }
  /** The same; may be taken back. */
  | { readonly kind: 'disable' }
  | { readonly kind: 'enable' }
  /** Tokens are refused that are bound to this certificate. */
  | { readonly kind: 'revoke-certificate'; readonly certificate: NamedCertificate }
  | { readonly kind: 'verify'; readonly state: unknown }
  | { readonly kind: 'stream'; readonly runs: boolean }
  /** Nothing but that the app is told. */
  | { readonly kind: 'tell' };

/** What is done about an event by the tokens of its subject. */
export type SubjectReaction = Extract<
  Reaction,
  { readonly kind: 'revoke' | 'end-session' | 'disable' | 'enable' }
>;

const REVOKE: Reaction = { kind: 'revoke' };
const TELL: Reaction = { kind: 'tell' };

const REACTIONS: ReadonlyMap<string, (payload: JsonObject) => Reaction> = new Map<
  string,
  (payload: JsonObject) => Reaction
>([
  [EVENT.sessionRevoked, () => ({ kind: 'end-session' })],
  [EVENT.sessionsRevoked, () => REVOKE],
  [EVENT.tokenClaimsChange, () => REVOKE],
  [EVENT.credentialChange, toCredentialChange],
  [EVENT.credentialCompromise, () => REVOKE],
  [EVENT.credentialChangeRequired, () => REVOKE],
  [
    EVENT.assuranceLevelChange,
    ({ change_direction: direction }) => (direction === 'increase' ? TELL : REVOKE),
  ],
  [
    EVENT.deviceComplianceChange,
    ({ current_status: status }) => (status === 'not-compliant' ? REVOKE : TELL),
  ],
  [EVENT.accountPurged, () => REVOKE],
  [EVENT.accountDisabled, () => ({ kind: 'disable' })],
  [EVENT.accountEnabled, () => ({ kind: 'enable' })],
  [EVENT.verification, ({ state }) => ({ kind: 'verify', state })],
  [EVENT.streamUpdated, ({ status }) => ({ kind: 'stream', runs: status === 'enabled' })],
]);

/** What is done about an event, by its type and what it says. */
export function reactionTo({ type, payload }: SecurityEvent): Reaction {
  return REACTIONS.get(type)?.(payload) ?? TELL;
}

/** A new credential takes nothing away. Of a certificate that is renewed, the old one may go on. */
function toCredentialChange(payload: JsonObject): Reaction {
  const { change_type: change, credential_type: type, x509_issuer: issuer, x509_serial: serial } = payload;
  if (change === 'create' || (change === 'update' && type === 'x509')) return TELL;
  if (type === 'x509' && typeof issuer === 'string' && typeof serial === 'string')
    return { kind: 'revoke-certificate', certificate: { issuer, serialNumber: serial } };
  return REVOKE;
}
