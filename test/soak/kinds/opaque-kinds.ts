import { randomUUID } from 'node:crypto';
import { bearerRequest } from '../load/request.js';
import { ROUTES } from '../settings.js';
import { type OpaqueToken, statusesForOpaque } from '../world/opaque-tokens.js';
import { always, type Attempt, type Kind, type KnownCaller } from './kind.js';

/** How often a token is a new one, though there are some already. */
const NEW = 0.1;

/** Opaque tokens: wherever the authority must be asked, 503 is right as well. */
export const OPAQUE_KINDS: readonly Kind<KnownCaller>[] = [
  {
    name: 'active opaque token',
    share: 8,
    proves: [200, 503],
    attempt: ({ realm, certificate: { thumbprint } }) => {
      const { opaque } = realm.authority;
      const held = realm.random.chance(NEW) ? undefined : realm.random.pick(opaque.of(thumbprint));
      return withToken(held ?? opaque.issue(thumbprint));
    },
  },
  {
    name: 'revoked opaque token',
    share: 3,
    proves: [401],
    attempt: ({ realm, certificate: { thumbprint } }) => {
      const revoked = realm.authority.opaque.lastRevoked.filter((each) => each.thumbprint === thumbprint);
      const token = realm.random.pick(revoked);
      return token === undefined ? undefined : withToken(token);
    },
  },
  {
    name: 'unknown opaque token',
    share: 2,
    proves: [401],
    attempt: () => refusedOrNotAsked(`opaque-${randomUUID()}`),
  },
  {
    name: 'opaque token over another client’s certificate',
    share: 3,
    proves: [401],
    attempt: ({ realm, certificate: { thumbprint } }) => {
      const stolen = realm.authority.opaque.anyActive(realm.random.next());
      return stolen === undefined || stolen.thumbprint === thumbprint
        ? undefined
        : refusedOrNotAsked(stolen.token);
    },
  },
];

function withToken(opaque: OpaqueToken): Attempt {
  return {
    request: bearerRequest(ROUTES.any, opaque.token),
    token: opaque.token,
    subject: opaque.subject,
    allowed: (exchange) => statusesForOpaque(opaque, exchange),
  };
}

function refusedOrNotAsked(token: string): Attempt {
  return { request: bearerRequest(ROUTES.any, token), token, allowed: always(401, 503) };
}
