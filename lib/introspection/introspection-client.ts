import { hash, randomBytes } from 'node:crypto';
import { type OAuthError, outage } from '../challenge/oauth-error.js';
import { asOutage } from '../authorization-server/as-outage.js';
import type { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import type { CircuitBreaker } from '../authorization-server/circuit-breaker.js';
import type { ClientAuthenticator, ClientProof } from './client-authentication.js';
import type { HttpAnswer, HttpCall } from '../authorization-server/http-call.js';
import { type JsonObject, parseJsonObject } from '../jose/json-object.js';
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
  /** Verifies a signed answer; `undefined` where unsigned ones are asked for. @throws OAuthError 503 */
  readonly verifySigned: ((jwt: string) => Promise<JsonObject>) | undefined;
}

/** What the endpoint says of a token: active with these claims, or why not. */
export type IntrospectionAnswer =
  | {
      readonly active: true;
      readonly claims: JsonObject;
      /** The JWT that says so, where the answer was asked for signed. */
      readonly signed?: string;
    }
  | {
      readonly active: false;
      readonly reason: 'token_inactive' | 'introspection_refused';
      readonly detail?: string;
      /** Whether the same answer may be given again for a while. */
      readonly cacheable: boolean;
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
  const { breaker, verifySigned } = call;
  const [url, proof] = await Promise.all([call.endpoint(), prove(call.authenticate)]);
  // What is outside the breaker, the metadata and the keys of a signed answer, has a back-off of its own.
  const answer = await breaker.guard(
    async () => read(token, call, { url, answer: await http.call(url, requestOf(token, call, proof)) }),
    // Stryker disable next-line StringLiteral: a digest tells tokens apart however it is written
    { digest: hash('sha256', token, 'base64url'), probe: async () => probe(url, call, http) },
  );
  return 'jwt' in answer ? verify(url, answer, verifySigned) : answer;
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
      accept: call.verifySigned === undefined ? 'application/json' : SIGNED_ANSWER_MEDIA_TYPE,
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
interface SignedAnswer {
  readonly jwt: string;
}

function readAnswer(
  token: string,
  { verifySigned }: IntrospectionCall,
  { url, answer: { status, contentType, body } }: ReceivedAnswer,
): IntrospectionAnswer | SignedAnswer {
  if (status === 200 && verifySigned !== undefined) return readSigned(url, contentType, body);
  const members = parseJsonObject(body);
  if (status === 200) return readIntrospection(`POST ${url}`, members);
  const error = members?.['error'];
  const named = JSON.stringify(errorCodeOf(error, token)) ?? 'without an error code';
  if (isAboutToken(status, error)) {
    const detail = `the introspection endpoint answered ${status} ${named}`;
    const cacheable = status === 400 && error === 'unsupported_token_type';
    return { active: false, reason: 'introspection_refused', detail, cacheable };
  }
  throw explainStatus(status, `POST ${url}: status ${status} ${named}`);
}

function readSigned(url: string, contentType: string, body: string): SignedAnswer {
  if (contentType === SIGNED_ANSWER_MEDIA_TYPE) return { jwt: body };
  throw outage('authorization_server_answer_invalid', { detail: `POST ${url}: the answer is not signed` });
}

async function verify(
  url: string,
  { jwt }: SignedAnswer,
  verifySigned: IntrospectionCall['verifySigned'],
): Promise<IntrospectionAnswer> {
  // Stryker disable next-line OptionalChaining: only what was to be signed comes here
  const answer = readIntrospection(`POST ${url}`, await verifySigned?.(jwt));
  return answer.active ? { ...answer, signed: jwt } : answer;
}

/**
 * Reads what was said of a token, wherever it was said.
 * @param where for the log
 * @throws OAuthError 503 when it is no introspection answer
 */
export function readIntrospection(where: string, body: JsonObject | undefined): IntrospectionAnswer {
  if (body === undefined || !Object.hasOwn(body, 'active')) {
    throw outage('authorization_server_answer_invalid', { detail: `${where}: no object with "active"` });
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
