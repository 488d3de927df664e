import { bearerRequest } from '../load/request.js';
import { ROUTES } from '../settings.js';
import { refusalsForJwt, statusesForJwt } from '../world/jwt.js';
import type { Kind, KnownCaller } from './kind.js';

/** Tokens that the API itself is told to refuse: from the moment on that it has acknowledged it. */
export const REVOKED_KINDS: readonly Kind<KnownCaller>[] = [
  {
    name: 'JWT that is revoked after it was used',
    share: 3,
    proves: [200],
    attempt: ({ realm, certificate }) => {
      const jwt = realm.revoked.mint(certificate);
      return {
        request: bearerRequest(ROUTES.any, jwt.token),
        token: jwt.token,
        subject: jwt.subject,
        allowed: (exchange) => statusesForJwt(jwt, exchange),
        answered: (status) => {
          if (status === 200) realm.revoked.accepted(certificate, jwt);
        },
      };
    },
  },
  {
    name: 'JWT that the API has revoked',
    share: 3,
    proves: [401],
    attempt: async ({ realm, certificate }) => {
      const jwt = await realm.revoked.anyRevoked(certificate);
      if (jwt === undefined) return undefined;
      return {
        request: bearerRequest(ROUTES.any, jwt.token),
        token: jwt.token,
        allowed: (exchange) => refusalsForJwt(jwt, exchange),
      };
    },
  },
];
