import { hash } from 'node:crypto';
import type { AuthorizationServer } from '../access-token/authorization-server.js';
import { type AuthenticationRules, authenticateRequest, provenPsd2Roles } from '../authenticate-request.js';
import { describeAccessToken } from '../access-token/describe-access-token.js';
import {
  readableShape,
  trustedServer,
  type TrustedServers,
  verifyAccessToken,
} from '../access-token/verify-access-token.js';
import { unmetDemand } from '../authorization/authorize.js';
import { OAuthError } from '../challenge/oauth-error.js';
import { outcomeOf, type RefusalReason, toldOf } from '../challenge/reasons.js';
import { NO_ROLES } from '../client-certificate/policy/psd2-roles.js';
import { withImplied } from '../claims/implied-scopes.js';
import { quoted, quotedList } from '../common/quoted.js';
import type { BindingMethod, Decision, ProvenToken } from '../decision.js';
import type { DpopRules } from '../dpop/check-dpop-proof.js';
import type { JsonObject } from '../jose/json-object.js';
import { readTokenShape, type TokenShape } from '../jose/token-shape.js';
import { type Authorization, checkTokenForm, readAuthorization, readToken } from '../request/credentials.js';
import { headerValues } from '../request/header-values.js';
import { type HttpRequest, rawRequestOf } from '../request/http-request.js';
import { namesStatusList } from '../status-list/status-reference.js';
import { explainConfirmation } from './explain-confirmation.js';
import { explainJwt } from './explain-jwt.js';
import { explainSession } from './explain-session.js';
import type { Check, Explanation, FittingPresets } from './explanation.js';
import { fittingPresets } from './fitting-presets.js';
import type { Presented, Situation } from './situation.js';
import { Steps, type Told } from './steps.js';

/**
 * Says what the rules decide about a request, check by check, by the functions that decide about requests. What has failed
 * does not keep the other checks from being made, as far as they make sense. Where all of it can be known, the request is
 * decided about as well, in the same way as any other, and that is the outcome. It reports nothing, uses up no `jti` and no
 * ticket, and keeps no token.
 */
export async function explainRequest(request: HttpRequest, situation: Situation): Promise<Explanation> {
  const steps = new Steps(secretsOf(request));
  const credentials = explainCredentials(steps, request, situation.rules);
  const presets =
    credentials === undefined ? undefined : await explainToken(steps, credentials, request, situation);
  const decision = await decideWhereKnown(steps, request, situation);
  const reason = reasonOf(steps, decision);
  const { status, code } = reason === undefined ? { status: undefined, code: undefined } : toldOf(reason);
  const notChecked = steps.taken.flatMap(({ check, result }) => (result === 'not-checked' ? [check] : []));
  return {
    outcome: reason === undefined ? 'accepted' : outcomeOf(reason),
    ...(reason === undefined ? {} : { reason }),
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { error: code }),
    steps: steps.taken,
    notChecked,
    ...(presets === undefined ? {} : { presets }),
  };
}

/** What no text may repeat, wherever the request has it. */
function secretsOf(request: HttpRequest): readonly string[] {
  const raw = rawRequestOf(request);
  const tokens = headerValues(raw, 'authorization').map((header) => header.replace(/^\S+ +/, '').trim());
  return [...tokens, ...headerValues(raw, 'dpop')].filter((text) => text !== '');
}

interface Credentials {
  readonly token: string;
  readonly presented: Presented;
}

function explainCredentials(
  steps: Steps,
  request: HttpRequest,
  rules: AuthenticationRules,
): Credentials | undefined {
  if (isBySession(request, rules)) {
    const session = explainSession(steps, request, rules);
    if (session === undefined) return undefined;
    const { token, certificate } = session;
    return { token, presented: presentedBy(request, { scheme: 'Bearer' }, token, certificate) };
  }
  const expected = `one token, sent as ${rules.schemes.join(' or ')}`;
  const read = steps.check(told('request', 'credentials', expected, sentAs(request)), () => {
    const authorization = readAuthorization(request, rules.schemes);
    const token = readToken(authorization, request);
    const certificate = rules.certificateSource(request);
    checkTokenForm(token, authorization);
    return { authorization, token, certificate };
  });
  if (read.kind === 'failed') return undefined;
  const { authorization, token, certificate } = read.value;
  const presented = presentedBy(request, authorization, token, certificate);
  return { token, presented };
}

/** An `Authorization` header counts instead of a cookie. */
function isBySession(request: HttpRequest, { sessions }: AuthenticationRules): boolean {
  const sent = headerValues(rawRequestOf(request), 'authorization');
  return sent.length === 0 && sessions?.isShownBy(request) === true;
}

function presentedBy(
  request: HttpRequest,
  { scheme }: Pick<Authorization, 'scheme'>,
  token: string,
  certificate: Presented['certificate'],
): Presented {
  return { request, scheme, tokenDigest: hash('sha256', token, 'base64url'), certificate };
}

/** The scheme alone: what follows it is a secret. */
function sentAs(request: HttpRequest): string {
  const headers = headerValues(rawRequestOf(request), 'authorization');
  const [first] = headers;
  if (first === undefined) return 'no Authorization header';
  const scheme = /^[A-Za-z]{1,20}(?= )/.exec(first)?.[0] ?? 'something without a scheme';
  return headers.length === 1 ? scheme : `${headers.length} Authorization headers`;
}

/** @returns which presets would do, of a JWT of a trusted server */
async function explainToken(
  steps: Steps,
  { token, presented }: Credentials,
  request: HttpRequest,
  situation: Situation,
): Promise<FittingPresets | undefined> {
  const { servers } = situation.rules;
  const step = told(
    'access-token',
    'token_form',
    'a JWT, or a token that introspection knows',
    formOf(token),
  );
  const shape = steps.check(step, () => readableShape(token));
  if (shape.kind === 'failed') return undefined;
  if (shape.value.kind === 'opaque') {
    const verified = await explainOpaque(steps, token, request, situation);
    if (verified !== undefined) {
      await explainHolder(steps, verified.claims, verified.server, presented, situation);
    }
    return undefined;
  }
  const { payload } = shape.value;
  const server = await explainIssuer(steps, payload['iss'], servers, request);
  if (server === undefined) return undefined;
  const claims = await explainSelfContained(steps, { token, shape: shape.value, server }, situation);
  if (claims !== undefined) await explainHolder(steps, claims, server, presented, situation);
  return fittingPresets(shape.value, server);
}

function formOf(token: string): string {
  const { kind } = readTokenShape(token);
  const form = { jwt: 'a JWT', opaque: 'no JWT', encrypted: 'an encrypted JWT', malformed: 'a broken JWT' };
  return `${form[kind]} of ${token.length} characters`;
}

/** A token of an issuer that is not trusted is held against the only server there is, as if it were of that. */
async function explainIssuer(
  steps: Steps,
  issuer: unknown,
  servers: TrustedServers,
  request: HttpRequest,
): Promise<AuthorizationServer | undefined> {
  const trusted = quotedList(servers.byIssuer.keys());
  const expected =
    servers.resolved === undefined ? `one of ${trusted}` : `one of ${trusted}, or of the app's own`;
  const step = told('access-token', 'issuer', expected, quoted(issuer));
  const found = await steps.checkLater(step, () => trustedServer(issuer, servers, request));
  if (found.kind === 'passed') return found.value;
  const [only, ...others] = servers.byIssuer.values();
  return others.length === 0 ? only : undefined;
}

interface SelfContained {
  readonly token: string;
  readonly shape: TokenShape & { readonly kind: 'jwt' };
  readonly server: AuthorizationServer;
}

/** @returns its claims, whether or not they are believed; `undefined` where only its server could tell them */
async function explainSelfContained(
  steps: Steps,
  { token, shape, server }: SelfContained,
  { mayAsk }: Situation,
): Promise<JsonObject | undefined> {
  const { jwt, introspection } = server.settings;
  if (jwt !== undefined) await explainJwt(steps, { token, jwt: shape, server }, jwt, mayAsk);
  if (jwt !== undefined && introspection?.tokens !== 'all') return shape.payload;
  const failed = steps.firstFailure !== undefined;
  const step = introspectionTold(server.settings.issuer);
  if (!mayAsk || failed) {
    steps.skip({ ...step, found: mayAsk ? 'not asked: it is refused anyway' : NOT_ASKED });
    return shape.payload;
  }
  const verified = await steps.checkLater(step, () => server.verifyJwt(token, shape));
  return verified.kind === 'passed' ? verified.value.claims : shape.payload;
}

const NOT_ASKED = 'not checked: the server would have to be asked';

function introspectionTold(at: string): Told {
  return told('access-token', 'introspection', 'an active token, for this API', `asked ${at}`);
}

async function explainOpaque(
  steps: Steps,
  token: string,
  request: HttpRequest,
  { rules: { servers }, mayAsk }: Situation,
): Promise<Pick<Awaited<ReturnType<typeof verifyAccessToken>>, 'claims' | 'server'> | undefined> {
  const asked = servers.forOpaqueTokens.map(({ settings }) => settings.issuer);
  const step = introspectionTold(quotedList(asked));
  if (asked.length > 0 && !mayAsk) {
    steps.skip({ ...step, found: NOT_ASKED });
    return undefined;
  }
  const found = asked.length === 0 ? { ...step, found: 'nobody to ask' } : step;
  const verified = await steps.checkLater(found, () => verifyAccessToken(token, servers, request));
  return verified.kind === 'passed' ? verified.value : undefined;
}

/** Whether the caller holds the token's keys, and whether that is enough. */
async function explainHolder(
  steps: Steps,
  claims: JsonObject,
  server: AuthorizationServer,
  presented: Presented,
  situation: Situation,
): Promise<void> {
  const boundBy = await explainConfirmation(steps, claims, server, presented, situation);
  await explainStatus(steps, claims, server, situation);
  await explainDemands(steps, claims, server, boundBy, situation, presented);
}

/** Its place is looked at without asking anybody. */
async function explainStatus(
  steps: Steps,
  claims: JsonObject,
  server: AuthorizationServer,
  { mayAsk }: Situation,
): Promise<void> {
  if (server.settings.statusLists === undefined || !namesStatusList(claims['status'])) return;
  const place = told('access-token', 'status_list', 'a place in a list that may be fetched', 'names a list');
  const reference = steps.check(place, () => server.statusOf(claims));
  if (reference.kind === 'failed' || reference.value === undefined) return;
  const { value } = reference;
  const step = told('access-token', 'status', 'status 0', `place ${value.index} of ${quoted(value.uri)}`);
  if (mayAsk) await steps.checkLater(step, () => server.checkStatus(value));
  else steps.skip({ ...step, found: NOT_ASKED });
}

async function explainDemands(
  steps: Steps,
  claims: JsonObject,
  server: AuthorizationServer,
  boundBy: readonly BindingMethod[],
  { demands, rules: decidesBy }: Situation,
  { request, certificate }: Presented,
): Promise<void> {
  const { rules, constraints, checks } = demands;
  if (rules.every(({ scopes }) => scopes.length === 0) && constraints.length + checks.length === 0) return;
  const expected = [
    ...rules.map(({ kind, scopes }) => `${kind} of ${quotedList(scopes)}`),
    ...constraints.map((each) => `proof by ${each}`),
    ...checks.map(({ kind }) => kind),
  ].join(', ');
  const proved = provenBy(claims, server, boundBy, decidesBy, certificate);
  const step = told('authorization', 'demands', expected, `scopes ${quotedList(proved?.scopes ?? [])}`);
  if (proved === undefined) {
    steps.skip({ ...step, found: 'not checked: its claims cannot be read' });
    return;
  }
  await steps.checkLater(step, async () => {
    const unmet = await unmetDemand(proved, demands, { place: 'policy', request, params: undefined });
    if (unmet !== undefined) throw unmet;
  });
}

/** What has been proved of a token, if its claims are right. */
function provenBy(
  claims: JsonObject,
  server: AuthorizationServer,
  boundBy: readonly BindingMethod[],
  rules: AuthenticationRules,
  certificate: Presented['certificate'],
): ProvenToken | undefined {
  const { issuer, claimNames, impliedScopes } = server.settings;
  try {
    const described = describeAccessToken(issuer, claims, claimNames);
    const scopes = withImplied(described.scopes, impliedScopes);
    return {
      scopes,
      described,
      confirmation: undefined,
      boundBy,
      raw: undefined,
      signedAnswer: undefined,
      psd2Roles: rules.hasPsd2Roles ? provenPsd2Roles(boundBy, certificate) : NO_ROLES,
      certificate,
      revocable: undefined,
    };
  } catch (error) {
    if (error instanceof OAuthError) return undefined;
    throw error;
  }
}

/** What decides by more than can be known here would decide otherwise than the API does. */
const NEEDED: readonly Check[] = [
  'signature',
  'introspection',
  'certificate_checks',
  'proof_nonce',
  'status',
];

/** The same request, decided about as any other: `undefined` where not all can be known here. */
async function decideWhereKnown(
  steps: Steps,
  request: HttpRequest,
  { rules, demands }: Situation,
): Promise<Decision | undefined> {
  if (steps.wasSkipped(...NEEDED)) return undefined;
  const decision = await authenticateRequest(request, { ...withoutMemory(rules), handsOutTokens: true });
  explainUser(steps, decision, rules);
  if (decision.outcome === 'refused') {
    explainRest(steps, decision.error);
    return decision;
  }
  const error = await unmetDemand(decision.proved, demands, {
    place: 'policy',
    request,
    params: undefined,
  });
  if (error === undefined) return decision;
  explainRest(steps, error);
  return { outcome: 'refused', error, sessionCookie: undefined, trace: decision.trace };
}

/** The rules that find no token known, keep none, and use up no proof. */
function withoutMemory(rules: AuthenticationRules): AuthenticationRules {
  const { dpop } = rules;
  return {
    ...rules,
    knownTokens: undefined,
    dpop: dpop === undefined ? undefined : withoutReplays(dpop),
  };
}

/** The same rules for proofs, but that every `jti` is new, and none is kept. */
export function withoutReplays(rules: DpopRules): DpopRules {
  return { ...rules, replayStore: { addIfAbsent: async () => true } };
}

/** What the app's own function says, which is asked only about a token that is good. */
function explainUser(steps: Steps, decision: Decision, { options }: AuthenticationRules): void {
  if (options.validate === undefined) return;
  const step = told('authorization', 'user', 'a user, by validate', 'what validate answered');
  if (decision.outcome === 'accepted') steps.passed({ ...step, found: 'a user' });
  else if (decision.error.reason === 'user_refused') steps.failed(step, decision.error);
  else steps.skip({ ...step, found: 'not asked: the token is refused before that' });
}

/** What no step has found: the decision counts, whatever this explanation knows of its checks. */
function explainRest(steps: Steps, error: OAuthError): void {
  if (steps.taken.some(({ reason }) => reason === error.reason)) return;
  steps.failed(told(stageOf(error.reason), 'decision', 'an acceptance', 'a refusal'), error);
}

function stageOf(reason: RefusalReason): Told['stage'] {
  return reason.startsWith('confirmation') || reason.startsWith('certificate') || reason.startsWith('proof')
    ? 'confirmation'
    : 'access-token';
}

function reasonOf(steps: Steps, decision: Decision | undefined): RefusalReason | undefined {
  if (decision === undefined) return steps.firstFailure?.reason;
  return decision.outcome === 'accepted' ? undefined : decision.error.reason;
}

function told(stage: Told['stage'], check: Check, expected: string, found: string): Told {
  return { stage, check, expected, found };
}
