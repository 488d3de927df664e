import { accessTokenFor } from '../access-token/describe-access-token.js';
import {
  insufficientAuthentication,
  insufficientScope,
  notAllowed,
  type OAuthError,
  type OAuthErrorDetails,
} from '../challenge/oauth-error.js';
import { isPromise, type MaybePromise } from '../common/maybe-promise.js';
import { nameAndMessageOf } from '../common/message-of.js';
import { quoted } from '../common/quoted.js';
import type { ProvenToken } from '../decision.js';
import { hasDetail } from './check-details.js';
import {
  type Demanding,
  type Demands,
  type DetailsCheck,
  type Met,
  type OwnCheck,
  type TokenCheck,
  scopesOfRules,
} from './demands.js';

type Asked = DetailsCheck | OwnCheck;

/** What functions of the app may have to be asked for, one after another: `undefined` when all of it is met. */
export function unmetDetailsOrOwn(
  proved: ProvenToken,
  demands: Demands,
  demanding: Demanding,
): MaybePromise<OAuthError | undefined> {
  return firstUnmet(demands.checks.filter(isAsked), { proved, demands, demanding });
}

function isAsked(check: TokenCheck): check is Asked {
  return check.kind === 'details' || check.kind === 'own';
}

interface Asking {
  readonly proved: ProvenToken;
  readonly demands: Demands;
  readonly demanding: Demanding;
}

function firstUnmet(checks: readonly Asked[], asking: Asking): MaybePromise<OAuthError | undefined> {
  const [check, ...others] = checks;
  if (check === undefined) return undefined;
  const next = (met: unknown): MaybePromise<OAuthError | undefined> =>
    met === true
      ? firstUnmet(others, asking)
      : unmet(check, asking, { detail: detailOf(check, asking, met) });
  const failed = (cause: unknown): OAuthError => failure(check, asking, cause);
  let met: Met;
  try {
    met = ask(check, asking);
  } catch (error) {
    return failed(error);
  }
  return isPromise(met) ? met.then(next, failed) : next(met);
}

function ask(check: Asked, { proved, demanding: { request, params } }: Asking): Met {
  const call = { request, params };
  if (check.kind === 'details') return hasDetail(proved.described, check, call);
  // What the app has made of its token since counts for nothing.
  return check.check(accessTokenFor(proved.described, proved), call);
}

function detailOf(check: Asked, { demanding: { place } }: Asking, met: unknown): string {
  return check.kind === 'details'
    ? `the ${place} demands authorization_details of type ${quoted(check.type)}, and no entry covers the call`
    : `a check of the app's own returned ${met === false ? 'false' : quoted(met)}`;
}

/** Whatever remedy the app knows is none for this. */
function failure(check: Asked, asking: Asking, cause: unknown): OAuthError {
  const thrown = nameAndMessageOf(cause);
  const details = { cause, chosenStatus: statusOf(cause) };
  if (check.kind === 'own')
    return notAllowed('demand_unmet', { ...details, detail: `a check of the app's own threw ${thrown}` });
  const detail = `the check of authorization_details of type ${quoted(check.type)} threw ${thrown}`;
  return unmet(check, asking, { ...details, detail });
}

/** Of an `HttpException`. */
function statusOf(error: unknown): number | undefined {
  const { getStatus } = (error ?? {}) as { readonly getStatus?: () => unknown };
  const status = typeof getStatus === 'function' ? getStatus.call(error) : undefined;
  return typeof status === 'number' ? status : undefined;
}

function unmet(check: Asked, { demands }: Asking, details: OAuthErrorDetails): OAuthError {
  if (check.kind === 'details')
    return insufficientScope('authorization_details_unmet', scopesOfRules(demands.rules), details);
  const { scope = [], acrValues = [], maxAge } = check.remedy ?? {};
  if (acrValues.length > 0 || maxAge !== undefined)
    return insufficientAuthentication({ acrValues, maxAge, scope }, details);
  return scope.length > 0
    ? insufficientScope('scope_missing', scope, details)
    : notAllowed('demand_unmet', details);
}
