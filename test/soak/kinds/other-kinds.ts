import { requestOf } from '../load/request.js';
import { ROUTES } from '../settings.js';
import { boundTo } from '../world/jwt.js';
import { stolen } from './jwt-kinds.js';
import { always, type Attempt, type Kind } from './kind.js';

const MALFORMED: readonly (readonly string[])[] = [
  ['Authorization: Bearer'],
  ['Authorization: Bearer one two'],
  ['Authorization: Bearer a,b'],
  ['Authorization: Basic YTpi'],
  ['Authorization: Bearer a', 'Authorization: Bearer b'],
  ['Authorization: DPoP one two', 'DPoP: x'],
];

/** What anybody can send, whatever the connection. */
export const OTHER_KINDS: readonly Kind[] = [
  { name: 'no token', share: 4, proves: [401], attempt: () => refused(requestOf(ROUTES.any), 401) },
  {
    name: 'public route',
    share: 5,
    proves: [200],
    attempt: () => ({ request: requestOf(ROUTES.public), allowed: always(200) }),
  },
  {
    name: 'malformed header',
    share: 4,
    proves: [400, 401],
    attempt: ({ realm }) => refused(requestOf(ROUTES.any, ...(realm.random.pick(MALFORMED) ?? [])), 400, 401),
  },
];

/** What one can send who has no certificate, or that of another CA. */
export const STRANGER_KINDS: readonly Kind[] = [
  {
    name: 'good JWT without the client’s certificate',
    share: 10,
    proves: [401],
    attempt: ({ realm }) => stolen(realm.jwts.good(boundTo(realm.clients.any(realm.random).current))),
  },
  {
    name: 'JWT that is bound to an untrusted certificate',
    share: 10,
    proves: [401],
    attempt: ({ realm, certificate }) =>
      certificate === undefined ? undefined : stolen(realm.jwts.good(boundTo(certificate))),
  },
];

function refused(request: Buffer, ...statuses: readonly number[]): Attempt {
  return { request, allowed: always(...statuses) };
}
