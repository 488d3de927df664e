import { bearerRequest } from '../load/request.js';
import { ROUTES } from '../settings.js';
import { boundTo, type IssuedJwt, mintJwt, refusalsForJwt, statusesForJwt } from '../world/jwt.js';
import { SigningKey } from '../world/key-ring.js';
import { always, type Attempt, type Kind, type KnownCaller } from './kind.js';

const MINUTE = 60_000;

/** Signs what no authority has signed; the API never hears of it. */
const FOREIGN_KEY = new SigningKey(Infinity);

/** Tokens over the certificate that they are bound to. */
const GOOD: readonly Kind<KnownCaller>[] = [
  {
    name: 'good JWT',
    share: 30,
    proves: [200],
    attempt: ({ realm, certificate }) => good(realm.jwts.good(boundTo(certificate))),
  },
  {
    name: 'good JWT on a route with a scope',
    share: 8,
    proves: [200],
    attempt: ({ realm, certificate }) => good(realm.jwts.good(boundTo(certificate)), ROUTES.scoped),
  },
  {
    name: 'JWT of the oldest key, which is withdrawn next',
    share: 4,
    proves: [200],
    attempt: ({ realm, certificate }) =>
      good(realm.jwts.lasting(boundTo(certificate), realm.authority.keys.oldest)),
  },
];

/** Tokens that were good, or would be elsewhere. */
const NO_LONGER_GOOD: readonly Kind<KnownCaller>[] = [
  {
    name: 'JWT of a withdrawn key',
    share: 4,
    proves: [401],
    attempt: ({ realm, certificate }) => {
      const key = realm.random.pick(realm.authority.keys.withdrawn);
      return key === undefined ? undefined : ofWithdrawn(realm.jwts.lasting(boundTo(certificate), key));
    },
  },
  {
    name: 'JWT that has expired since it was used',
    share: 3,
    proves: [200, 401],
    attempt: ({ realm, certificate }) => good(realm.jwts.soonExpired(boundTo(certificate))),
  },
];

/** Tokens over a certificate that they are not bound to. */
const WRONGLY_BOUND: readonly Kind<KnownCaller>[] = [
  {
    name: 'good JWT over another client’s certificate',
    share: 8,
    proves: [401],
    attempt: ({ realm, client }) => {
      const other = realm.random.pick(realm.clients.all.filter((each) => each !== client));
      return other === undefined ? undefined : stolen(realm.jwts.good(boundTo(other.current)));
    },
  },
  {
    name: 'JWT of before a renewal over the new certificate',
    share: 4,
    proves: [401],
    attempt: ({ realm, client: { current, previous }, certificate }) =>
      previous === undefined || certificate !== current
        ? undefined
        : stolen(realm.jwts.good(boundTo(previous))),
  },
  {
    name: 'JWT that is bound to nothing',
    share: 2,
    proves: [401],
    attempt: ({ realm }) => stolen(realm.jwts.good({})),
  },
];

/** Tokens that are wrong in themselves. */
const NEVER_GOOD: readonly Kind<KnownCaller>[] = [
  wrong('expired JWT', { lifetime: -MINUTE }),
  wrong('JWT with a bad signature', { signedBy: FOREIGN_KEY }),
  wrong('JWT for another audience', { audience: 'https://other.example.com' }),
  wrong('JWT of another issuer', { issuer: 'https://other.example.com' }),
  {
    name: 'JWT that names an unknown key',
    share: 2,
    proves: [401],
    attempt: ({ realm, certificate }) => {
      const issuer = realm.authority.issuer;
      const confirmation = boundTo(certificate);
      const { token } = mintJwt({ issuer, key: FOREIGN_KEY, confirmation, lifetime: MINUTE });
      // Its authority must be asked, and fails at times.
      return { request: bearerRequest(ROUTES.any, token), token, allowed: always(401, 503) };
    },
  },
  {
    name: 'JWT without the scope of the route',
    share: 5,
    proves: [403],
    attempt: ({ realm, certificate }) => {
      const { issuer, keys } = realm.authority;
      const confirmation = boundTo(certificate);
      const contents = { issuer, key: keys.settled, confirmation, lifetime: MINUTE };
      const { token, key } = mintJwt({ ...contents, scope: 'accounts:read' });
      return {
        request: bearerRequest(ROUTES.scoped, token),
        token,
        allowed: (exchange) => (key.stateDuring(exchange) === 'known' ? [403] : [401, 403, 503]),
      };
    },
  },
];

export const JWT_KINDS: readonly Kind<KnownCaller>[] = [
  ...GOOD,
  ...NO_LONGER_GOOD,
  ...WRONGLY_BOUND,
  ...NEVER_GOOD,
];

/** What is sent while keys rotate and all is well: the newest key is used at once. */
export const ROTATION_KIND: Kind<KnownCaller> = {
  name: 'good JWT under rotation',
  share: 1,
  proves: [200],
  attempt: ({ realm, certificate }) => ({
    ...good(realm.jwts.good(boundTo(certificate), realm.authority.keys.newest)),
    allowed: always(200),
  }),
};

function good(jwt: IssuedJwt, path: string = ROUTES.any): Attempt {
  return {
    request: bearerRequest(path, jwt.token),
    token: jwt.token,
    subject: jwt.subject,
    allowed: (exchange) => statusesForJwt(jwt, exchange),
  };
}

function ofWithdrawn(jwt: IssuedJwt): Attempt {
  return {
    ...good(jwt),
    answered: (status) => {
      if (status === 401) jwt.key.refused();
    },
  };
}

/** A good token in the wrong hands. */
export function stolen(jwt: IssuedJwt): Attempt {
  return {
    request: bearerRequest(ROUTES.any, jwt.token),
    token: jwt.token,
    allowed: (exchange) => refusalsForJwt(jwt, exchange),
  };
}

/** A token that is like a good one but for this. */
function wrong(name: string, fault: Partial<Parameters<typeof mintJwt>[0]>): Kind<KnownCaller> {
  return {
    name,
    share: 3,
    proves: [401],
    attempt: ({ realm, certificate }) => {
      const { issuer, keys } = realm.authority;
      const confirmation = boundTo(certificate);
      return stolen(mintJwt({ issuer, key: keys.settled, confirmation, lifetime: MINUTE, ...fault }));
    },
  };
}
