import { bearerRequest, requestOf } from '../load/request.js';
import { PUBLIC_URL, ROUTES } from '../settings.js';
import { type IssuedJwt, refusalsForJwt, statusesForJwt } from '../world/jwt.js';
import type { Realm } from '../world/realm.js';
import type { Attempt, Kind } from './kind.js';

/** A replay is sent while the proof would still be fresh, in milliseconds. */
const FRESH = 5_000;

/** Tokens that are bound to a key, which needs no certificate. */
export const DPOP_KINDS: readonly Kind[] = [
  {
    name: 'DPoP with a fresh proof',
    share: 8,
    proves: [200],
    attempt: async ({ realm }) => withProof(realm, realm.jwts.good({ jkt: realm.dpop.thumbprint })),
  },
  {
    name: 'DPoP with a proof that was used',
    share: 4,
    proves: [401],
    attempt: ({ realm }) => {
      const used = realm.random.pick(realm.proofs.last.filter(({ usedAt }) => Date.now() - usedAt < FRESH));
      return used === undefined
        ? undefined
        : {
            request: used.request,
            token: used.jwt.token,
            allowed: (exchange) => refusalsForJwt(used.jwt, exchange),
          };
    },
  },
  {
    name: 'DPoP without a proof',
    share: 1,
    proves: [401],
    attempt: ({ realm }) => {
      const jwt = realm.jwts.good({ jkt: realm.dpop.thumbprint });
      const request = requestOf(ROUTES.any, `Authorization: DPoP ${jwt.token}`);
      return { request, token: jwt.token, allowed: (exchange) => refusalsForJwt(jwt, exchange) };
    },
  },
  {
    name: 'DPoP token as a bearer token',
    share: 1,
    proves: [401],
    attempt: ({ realm }) => {
      const jwt = realm.jwts.good({ jkt: realm.dpop.thumbprint });
      const request = bearerRequest(ROUTES.any, jwt.token);
      return { request, token: jwt.token, allowed: (exchange) => refusalsForJwt(jwt, exchange) };
    },
  },
];

async function withProof({ dpop, proofs }: Realm, jwt: IssuedJwt): Promise<Attempt> {
  const proof = await dpop.proof({ url: `${PUBLIC_URL}${ROUTES.any}`, token: jwt.token });
  const request = requestOf(ROUTES.any, `Authorization: DPoP ${jwt.token}`, `DPoP: ${proof}`);
  return {
    request,
    token: jwt.token,
    subject: jwt.subject,
    allowed: (exchange) => statusesForJwt(jwt, exchange),
    answered: (status) => {
      if (status === 200) proofs.add(request, jwt);
    },
  };
}
