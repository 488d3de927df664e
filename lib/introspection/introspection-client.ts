import { hash, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type OAuthError, outage } from '../challenge/oauth-error.js';
import { asOutage } from '../authorization-server/as-outage.js';
import type { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import type { CircuitBreaker } from '../authorization-server/circuit-breaker.js';
import type { ClientAuthenticator, ClientProof } from './client-authentication.js';
import type { HttpAnswer, HttpCall } from '../authorization-server/http-call.js';
import { type JsonObject, parseJsonObject } from '../jose/json-object.js';
import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import { errorCodeOf } from './error-code.js';
import { SIGNED_ANSWER_MEDIA_TYPE } from './signed-introspection-answer.js';
import { messageOf } from '../common/message-of.js';

/** How an introspection endpoint is called. */
export interface IntrospectionCall {
  /** Its URL. @throws OAuthError 503 when it can't be discovered */
  readonly endpoint: () => Promise<string>;
  readonly authenticate: ClientAuthenticator;
  /** Spares the endpoint during an outage. */
  readonly breaker: CircuitBreaker;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** What the answer is to be. */
  readonly format: AnswerFormat;
}

/** What an answer is to be: JSON, or one of the JWTs that some servers make of it, and what verifies that. */
export type AnswerFormat =
  | { readonly kind: 'json' }
  | {
      /** Signed (RFC 9701); JSON with a JWT beside it (Keycloak); a JWT alone (Curity's phantom token). */
      readonly kind: 'jwt' | 'keycloak-jwt' | 'access-token-jwt';
      /** @returns the members of the introspection answer @throws OAuthError 503 when the JWT can't be trusted */
      readonly verify: (jwt: string) => Promise<JsonObject>;
    };

/** What the endpoint says of a token: active with these claims, or why not. */
export type IntrospectionAnswer =
  | {
      readonly active: true;
      readonly claims: JsonObject;
      /** The JWT that says so, where the answer was asked for as one. */
      readonly signed?: string;
      /** Seconds for which the server lets it be given again, where it says so. */
      readonly lifetime?: number | undefined;
    }
  | {
      readonly active: false;
      readonly reason: 'token_inactive' | 'introspection_refused';
      readonly detail?: string;
      /** Whether the same answer may be given again for a while. */
      readonly cacheable: boolean;
      /** Seconds for which the server lets it be given again, where it says so. */
      readonly lifetime?: number | undefined;
    };

/**
 * Asks the authorization server about a token.
 * @throws OAuthError 503 when it can't be asked or makes no sense
 * @see RFC 7662 §2
 */
export async function introspect(
  token: string,
  call: IntrospectionCall,
  http: AuthorizationServerHttp,
): Promise<IntrospectionAnswer> {
  const { breaker } = call;
  const [url, proof] = await Promise.all([call.endpoint(), prove(call.authenticate)]);
  // What is outside the breaker, the metadata and the keys of a signed answer, has a back-off of its own.
  const { said, lifetime } = await breaker.guard(
    async () => {
      const answer = await http.call(url, requestOf(token, call, proof));
      return { said: read(token, call, { url, answer }), lifetime: answer.lifetime };
    },
    // Stryker disable next-line StringLiteral: a digest tells tokens apart however it is written
    { digest: hash('sha256', token, 'base64url'), probe: async () => probe(url, call, http) },
  );
  const answer = 'jwt' in said ? await verify(`POST ${url}`, said) : said;
  return lifetime === undefined ? answer : { ...answer, lifetime };
}

/**
 * Asks about a token that nobody has: whether the endpoint answers has then nothing to do with what a caller sent.
 * @throws OAuthError 503 when it does not
 */
async function probe(url: string, call: IntrospectionCall, http: AuthorizationServerHttp): Promise<void> {
  const token = randomBytes(32).toString('base64url');
  const proof = await prove(call.authenticate);
  const answer = await http.call(url, { ...requestOf(token, call, proof), isProbe: true });
  read(token, call, { url, answer });
}

/** An answer, and where it is from. */
interface ReceivedAnswer {
  readonly url: string;
  readonly answer: HttpAnswer;
}

/** @throws OAuthError 503, whatever is wrong with the answer */
function read(...given: Parameters<typeof readAnswer>): ReturnType<typeof readAnswer> {
  try {
    return readAnswer(...given);
  } catch (cause) {
    throw asOutage(cause);
  }
}

function requestOf(token: string, call: IntrospectionCall, proof: ClientProof): HttpCall {
  return {
    purpose: 'introspection',
    method: 'POST',
    headers: {
      ...call.headers,
      ...proof.headers,
      accept: MEDIA_TYPES[call.format.kind],
      'content-type': 'application/x-www-form-urlencoded',
    },
    // Form-encoding keeps a token from adding parameters of its own.
    body: new URLSearchParams({
      ...call.parameters,
      token,
      token_type_hint: 'access_token',
      ...proof.parameters,
    }).toString(),
  };
}

const MEDIA_TYPES: Readonly<Record<AnswerFormat['kind'], string>> = {
  json: 'application/json',
  jwt: SIGNED_ANSWER_MEDIA_TYPE,
  'keycloak-jwt': 'application/jwt',
  'access-token-jwt': 'application/jwt',
};

/** A proof that can't be made is a fault of our configuration. */
async function prove(authenticate: ClientAuthenticator): Promise<ClientProof> {
  try {
    return await authenticate();
  } catch (cause) {
    const detail = `no client authentication: ${messageOf(cause)}`;
    throw outage('authorization_server_refused_client', { detail, cause });
  }
}

/** An answer of which only the signature can tell whether it is one. */
interface UnverifiedAnswer {
  readonly jwt: string;
  readonly verify: (jwt: string) => Promise<JsonObject>;
  /** What is said beside the JWT, without a signature. */
  readonly beside?: JsonObject;
}

function readAnswer(
  token: string,
  { format }: IntrospectionCall,
  { url, answer }: ReceivedAnswer,
): IntrospectionAnswer | UnverifiedAnswer {
  const { status, body } = answer;
  if (status === 200 || (status === 204 && format.kind === 'access-token-jwt')) {
    return readSuccess(`POST ${url}`, format, answer);
  }
  const error = parseJsonObject(body)?.['error'];
  const named = JSON.stringify(errorCodeOf(error, token)) ?? 'without an error code';
  if (isAboutToken(status, error)) {
    const detail = `the introspection endpoint answered ${status} ${named}`;
    const cacheable = status === 400 && error === 'unsupported_token_type';
    return { active: false, reason: 'introspection_refused', detail, cacheable };
  }
  throw explainStatus(status, `POST ${url}: status ${status} ${named}`);
}

function readSuccess(
  where: string,
  format: AnswerFormat,
  { status, contentType, body }: HttpAnswer,
): IntrospectionAnswer | UnverifiedAnswer {
  const json = (): IntrospectionAnswer => readIntrospection(where, parseJsonObject(body));
  switch (format.kind) {
    case 'json':
      return json();
    case 'jwt':
      if (contentType !== SIGNED_ANSWER_MEDIA_TYPE) throw invalidAnswer(where, 'the answer is not signed');
      return { jwt: body, verify: format.verify };
    case 'keycloak-jwt': {
      const answer = json();
      return answer.active ? withJwtBeside(where, answer.claims, format.verify) : answer;
    }
    case 'access-token-jwt': {
      // Of a token that is not active there is no JWT to give.
      if (status === 204) return { active: false, reason: 'token_inactive', cacheable: true };
      if (contentType === 'application/jwt') return { jwt: body, verify: format.verify };
      // What says without a signature that a token is active may come from anybody.
      const answer = contentType === 'application/json' ? json() : undefined;
      if (answer?.active === false) return answer;
      throw invalidAnswer(where, 'the answer is no JWT');
    }
  }
}

function withJwtBeside(
  where: string,
  claims: JsonObject,
  check: UnverifiedAnswer['verify'],
): UnverifiedAnswer {
  const { jwt } = claims as { readonly jwt?: unknown };
  if (typeof jwt === 'string') return { jwt, verify: check, beside: claims };
  throw invalidAnswer(
    where,
    'no "jwt" in it: switch "Support JWT claim in Introspection Response" on for this client at Keycloak',
  );
}

async function verify(
  where: string,
  { jwt, verify: verifyJwt, beside }: UnverifiedAnswer,
): Promise<IntrospectionAnswer> {
  const answer = readIntrospection(where, await verifyJwt(jwt));
  if (!answer.active) return answer;
  if (beside === undefined) return { ...answer, signed: jwt };
  requireAgreement(where, answer.claims, beside);
  // Keycloak names the client in its answer, and not in the JWT.
  const { jwt: _jwt, ...said } = beside;
  return { ...answer, claims: { ...said, ...answer.claims }, signed: jwt };
}

/** The members that tell one token from another. */
const OF_ONE_TOKEN = ['iss', 'jti', 'sub', 'client_id', 'cnf'] as const;

/** A JWT that is about another token than the answer it came with is no answer. */
function requireAgreement(where: string, claims: JsonObject, beside: JsonObject): void {
  const other = OF_ONE_TOKEN.find(
    (name) =>
      Object.hasOwn(claims, name) &&
      Object.hasOwn(beside, name) &&
      !isDeepStrictEqual(claims[name], beside[name]),
  );
  if (other !== undefined) {
    throw invalidAnswer(where, `${other} of its JWT differs from what is said beside it`);
  }
}

/**
 * Reads what was said of a token, wherever it was said.
 * @param where for the log
 * @throws OAuthError 503 when it is no introspection answer
 */
export function readIntrospection(where: string, body: JsonObject | undefined): IntrospectionAnswer {
  if (body === undefined || !Object.hasOwn(body, 'active')) {
    throw invalidAnswer(where, 'no object with "active"');
  }
  if (body['active'] === true) return { active: true, claims: body };
  return body['active'] === false
    ? { active: false, reason: 'token_inactive', cacheable: true }
    : { active: false, reason: 'token_inactive', detail: 'active is not a boolean', cacheable: false };
}

/** Too large, too long, or of a form that is not read: what makes one of our calls so is its token alone. */
const UNREADABLE: ReadonlySet<number> = new Set([413, 414, 422]);

/** An OAuth error, but for those about us. A 400 of another kind is from something before the endpoint. */
function isAboutToken(status: number, error: unknown): boolean {
  if (status !== 400) return UNREADABLE.has(status);
  return typeof error === 'string' && error !== 'invalid_client' && error !== 'unauthorized_client';
}

/** Whatever the caller sent, it is not told here whether its token is valid: 503. */
function explainStatus(status: number, detail: string): OAuthError {
  if (status === 400 || status === 401 || status === 403) {
    return outage('authorization_server_refused_client', { detail });
  }
  return status === 429 || status >= 500
    ? outage('authorization_server_unreachable', { detail })
    : outage('authorization_server_answer_invalid', { detail });
}
