import type { AuthorizationServer } from '../access-token/authorization-server.js';
import {
  checkKind,
  type JwtRules,
  readAlgorithm,
  readType,
  refuseExtensions,
  type UnverifiedJwt,
} from '../access-token/jwt-verifier.js';
import { checkAudience, checkIssuer, checkPresence, checkTimes } from '../claims/check-claims.js';
import { textOfPath } from '../claims/claim-at.js';
import { quoted, quotedList } from '../common/quoted.js';
import type { JsonObject } from '../jose/json-object.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import type { Check } from './explanation.js';
import type { Steps, Told } from './steps.js';

/** A JWT as it was sent, and the server whose rules it is held against. */
export interface JwtOfServer {
  readonly token: string;
  readonly jwt: UnverifiedJwt;
  readonly server: AuthorizationServer;
}

/** Holds the header, the signature and the claims of a JWT against the rules of its server, one after the other. */
export async function explainJwt(
  steps: Steps,
  { token, jwt, server }: JwtOfServer,
  rules: JwtRules,
  mayAsk: boolean,
): Promise<void> {
  const { header, payload } = jwt;
  const type = steps.check(typeTold(header, rules), () => readType(header, rules));
  const algorithm = steps.check(algorithmTold(header, rules), () => readAlgorithm(header, rules));
  steps.check(told('critical_header', 'neither crit nor b64', namesOf(header)), () =>
    refuseExtensions(header),
  );
  await explainSignature(
    steps,
    { token, jwt, server },
    algorithm.kind === 'passed' ? algorithm.value : undefined,
    mayAsk,
  );
  explainClaims(steps, payload, rules);
  const kindTold = told('kind', 'what shows that it is an access token', namesOf(payload));
  if (type.kind === 'passed') steps.check(kindTold, () => checkKind(payload, type.value, rules));
  // Of a type that is not accepted it is looked at as if it said nothing.
  else steps.check(kindTold, () => checkKind(payload, undefined, rules));
}

/** What the claims alone must say. */
export function explainClaims(steps: Steps, claims: JsonObject, { claims: rules }: JwtRules): void {
  const now = Date.now() / 1000;
  steps.check(told('issuer_claim', JSON.stringify(rules.issuer), quoted(claims['iss'])), () =>
    checkIssuer(claims, rules),
  );
  steps.check(told('audience', `one of ${quotedList(rules.audience)}`, valuesOf(claims['aud'])), () =>
    checkAudience(claims, rules),
  );
  steps.check(told('times', timesExpected(rules), timesFound(claims, now)), () =>
    checkTimes(claims, rules, now),
  );
  steps.check(told('claims', claimsExpected(rules), namesOf(claims)), () => checkPresence(claims, rules));
}

async function explainSignature(
  steps: Steps,
  { token, jwt, server }: JwtOfServer,
  algorithm: SignatureAlgorithm | undefined,
  mayAsk: boolean,
): Promise<void> {
  const { kid } = jwt.header;
  const of = kid === undefined ? 'no kid' : `kid ${quoted(kid)}`;
  const step = told('signature', `by a key of ${server.settings.issuer}`, of);
  if (algorithm === undefined) {
    return steps.skip({ ...step, found: 'not checked: its algorithm is not accepted' });
  }
  if (!mayAsk && !server.hasFixedKeys) {
    return steps.skip({ ...step, found: 'not checked: its keys would have to be fetched' });
  }
  await steps.checkLater(step, async () => server.checkSignature({ jws: token, algorithm, kid }));
}

function typeTold(header: JsonObject, { types }: JwtRules): Told {
  const expected = types.map((type) => (type === undefined ? 'none' : JSON.stringify(type))).join(' or ');
  return told('type', expected, `typ ${quoted(header['typ'])}`);
}

function algorithmTold(header: JsonObject, { algorithms }: JwtRules): Told {
  return told('algorithm', `one of ${algorithms.join(', ')}`, `alg ${quoted(header['alg'])}`);
}

function timesExpected({ clockTolerance, maxTokenAge }: JwtRules['claims']): string {
  const age = maxTokenAge === undefined ? '' : `, iat at most ${maxTokenAge} s ago`;
  return `exp ahead, nbf and iat not ahead${age} (${clockTolerance} s are tolerated)`;
}

function timesFound(claims: JsonObject, now: number): string {
  const parts = ['exp', 'nbf', 'iat'].flatMap((name) => {
    const value = claims[name];
    return typeof value === 'number' ? [`${name} ${distance(value - now)}`] : [];
  });
  return parts.length === 0 ? 'no time' : parts.join(', ');
}

function distance(seconds: number): string {
  const rounded = Math.round(Math.abs(seconds));
  return seconds < 0 ? `${rounded} s ago` : `in ${rounded} s`;
}

function claimsExpected({ requiredClaims, forbiddenClaims }: JwtRules['claims']): string {
  const needed = requiredClaims.map((path) => textOfPath(path)).join(', ') || 'none in particular';
  if (forbiddenClaims.length === 0) return needed;
  return `${needed}; without ${forbiddenClaims.map((path) => textOfPath(path)).join(', ')}`;
}

/** Names alone: what claims say may be about people. */
function namesOf(members: JsonObject): string {
  return quotedNames(Object.keys(members));
}

const MOST_NAMES = 30;

function quotedNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => quoted(name).slice(1, -1));
  const left = names.length - shown.length;
  return `has ${shown.join(', ') || 'nothing'}${left > 0 ? ` and ${left} more` : ''}`;
}

function valuesOf(value: unknown): string {
  return Array.isArray(value) ? quotedList(value) : quoted(value);
}

function told(check: Check, expected: string, found: string): Told {
  return { stage: 'access-token', check, expected, found };
}
