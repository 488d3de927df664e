import { invalidToken, type OAuthError, outage } from '../challenge/oauth-error.js';
import type { AuthorizationServerHttp, HttpAnswer } from './authorization-server-http.js';
import type { ClientAuthenticator } from './client-authentication.js';
import { type JsonObject, parseJsonObject } from './json-object.js';

/** How an introspection endpoint is called. */
export interface IntrospectionCall {
  /** Its URL. @throws OAuthError 503 when it can't be discovered */
  readonly endpoint: () => Promise<string>;
  readonly authenticate: ClientAuthenticator;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the endpoint says of a token: active with these claims, or why not. */
export type IntrospectionAnswer =
  | { readonly active: true; readonly claims: JsonObject }
  | { readonly active: false; readonly error: OAuthError };

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
  const [url, proof] = await Promise.all([call.endpoint(), call.authenticate()]);
  const answer = await http.call(url, {
    method: 'POST',
    headers: {
      ...call.headers,
      ...proof.headers,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    },
    // Form-encoding keeps a token from adding parameters of its own.
    body: new URLSearchParams({
      ...call.parameters,
      token,
      token_type_hint: 'access_token',
      ...proof.parameters,
    }).toString(),
  });
  return readAnswer(url, answer);
}

function readAnswer(url: string, answer: HttpAnswer): IntrospectionAnswer {
  const body = parseJsonObject(answer.body);
  if (answer.status === 200) return readBody(url, body);
  if (answer.status === 400 && !isOurFault(body)) {
    const detail = `the introspection endpoint answered 400 ${JSON.stringify(body?.['error'])}`;
    return { active: false, error: invalidToken('introspection_refused', { detail }) };
  }
  throw explainStatus(url, answer.status, body);
}

function readBody(url: string, body: JsonObject | undefined): IntrospectionAnswer {
  if (body === undefined || !Object.hasOwn(body, 'active')) {
    throw outage('authorization_server_answer_invalid', { detail: `POST ${url}: no object with "active"` });
  }
  if (body['active'] === true) return { active: true, claims: body };
  const detail = body['active'] === false ? undefined : 'active is not a boolean';
  return { active: false, error: invalidToken('token_inactive', detail === undefined ? {} : { detail }) };
}

function isOurFault(body: JsonObject | undefined): boolean {
  return body?.['error'] === 'invalid_client' || body?.['error'] === 'unauthorized_client';
}

/** Whatever the caller sent, it is not told here whether its token is valid: 503. */
function explainStatus(url: string, status: number, body: JsonObject | undefined): OAuthError {
  const detail = `POST ${url}: status ${status} ${JSON.stringify(body?.['error'])}`;
  if (status === 400 || status === 401 || status === 403) {
    return outage('authorization_server_refused_client', { detail });
  }
  return status === 429 || status >= 500
    ? outage('authorization_server_unreachable', { detail })
    : outage('authorization_server_answer_invalid', { detail });
}
