import type { HostileRequest } from '../../request.js';
import type { DpopKit } from '../../dpop-kit.js';
import { BEARER_INVALID_TOKEN, INVALID_TOKEN, requestRows, UNBOUND_ACCEPTED } from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

/** What `binding: 'if-bound'` admits: a token without any `cnf`, as Bearer, and as nothing else. */
export const IF_BOUND_ROWS: readonly HostileRow[] = [
  ...requestRows('RFC9449-4', UNBOUND_ACCEPTED, {
    'if-bound: unbound token as Bearer': (kit) => bearer(kit.jwtWith(undefined)),
    'if-bound: unbound opaque token as Bearer': (kit) => bearer(kit.opaque({ cnf: undefined })),
    'if-bound: unbound token as Bearer, a right proof beside': (kit) => {
      const token = kit.jwtWith(undefined);
      return bearer(token, ['DPoP', kit.proof(token)]);
    },
    'if-bound: unbound token as Bearer, rubbish in the DPoP header': (kit) =>
      bearer(kit.jwtWith(undefined), ['DPoP', 'rubbish']),
    'if-bound: unbound token as Bearer, two DPoP headers': (kit) =>
      bearer(kit.jwtWith(undefined), ['DPoP', 'x', 'DPoP', 'y']),
  }),
  ...requestRows('RFC9449-4', INVALID_TOKEN, {
    'if-bound: unbound token as DPoP, with a right proof': (kit) => kit.dpop(kit.jwtWith(undefined)),
    'if-bound: unbound opaque token as DPoP, with a right proof': (kit) =>
      kit.dpop(kit.opaque({ cnf: undefined })),
  }),
  ...requestRows('RFC9449-4', BEARER_INVALID_TOKEN, {
    'if-bound: token of jkt as Bearer': (kit) => bearer(kit.jwt()),
    'if-bound: token of jkt null as Bearer': (kit) => bearer(kit.jwtWith({ jkt: null })),
    'if-bound: token of cnf null as Bearer': (kit) => bearer(kit.jwtWith(null)),
    'if-bound: token of cnf empty as Bearer': (kit) => bearer(kit.jwtWith({})),
    'if-bound: opaque token of jkt as Bearer': (kit) => bearer(kit.opaque()),
    'if-bound: token of jkt as Bearer, a right proof beside': (kit: DpopKit) => {
      const token = kit.jwt();
      return bearer(token, ['DPoP', kit.proof(token)]);
    },
  }),
];

function bearer(token: string, headers: readonly string[] = []): HostileRequest {
  return { authorization: `Bearer ${token}`, certificate: 'none', headers };
}
