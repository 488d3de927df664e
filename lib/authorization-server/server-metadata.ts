import { outage } from '../challenge/oauth-error.js';
import type { AuthorizationServerHttp } from './authorization-server-http.js';
import { isJsonObject, type JsonObject, parseJsonObject } from '../jose/json-object.js';
import { RefreshedValue, type RefreshRules } from './refreshed-value.js';

/** The members of an authorization server's metadata that a resource server needs (RFC 8414 §2, RFC 8705 §5). */
export interface ServerMetadata {
  readonly jwksUri?: string;
  readonly introspectionEndpoint?: string;
  /** `mtls_endpoint_aliases.introspection_endpoint`. */
  readonly mtlsIntrospectionEndpoint?: string;
}

/** The metadata of one authorization server: fetched when first needed, and again before it is too old. */
export class ServerMetadataSource extends RefreshedValue<ServerMetadata> {
  /** @param needed the members without which the API cannot do what it is configured for */
  constructor(
    issuer: string,
    http: AuthorizationServerHttp,
    rules: RefreshRules,
    needed: readonly (keyof ServerMetadata)[],
  ) {
    super(`metadata of ${issuer}`, async () => discover(issuer, http, needed), rules);
  }
}

/**
 * Reads RFC 8414's document and, where there is none or it lacks what is needed, that of OpenID Connect Discovery: some
 * servers name their keys, or their introspection endpoint, only there. What the first one says stands.
 */
async function discover(
  issuer: string,
  http: AuthorizationServerHttp,
  needed: readonly (keyof ServerMetadata)[],
): Promise<ServerMetadata> {
  const oauth = await fetchMetadata(oauthMetadataUrl(issuer), issuer, http);
  const isOauth = !(oauth instanceof Error);
  if (isOauth && needed.every((name) => oauth[name] !== undefined)) return oauth;
  const openid = await fetchMetadata(openidConfigurationUrl(issuer), issuer, http);
  if (!(openid instanceof Error)) return isOauth ? { ...openid, ...oauth } : openid;
  if (isOauth) return oauth;
  throw outage('authorization_server_answer_invalid', { detail: `${oauth.message}; ${openid.message}` });
}

/** The well-known path goes between the host and the issuer's own path (RFC 8414 §3.1). */
export function oauthMetadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`;
}

/** The well-known path goes behind the issuer (OpenID Connect Discovery 1.0 §4.1). */
export function openidConfigurationUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/**
 * An answer that is no such document is returned as an error, for the other place may have one.
 * @throws OAuthError 503 when there is no answer at all
 */
async function fetchMetadata(
  url: string,
  issuer: string,
  http: AuthorizationServerHttp,
): Promise<ServerMetadata | Error> {
  const answer = await http.call(url, {
    purpose: 'metadata',
    method: 'GET',
    headers: { accept: 'application/json' },
  });
  const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined;
  if (document === undefined) return new Error(`GET ${url}: status ${answer.status}, no JSON object`);
  // RFC 8414 §3.3: a document that names another issuer must not be used.
  if (document['issuer'] !== issuer) {
    return new Error(`GET ${url}: its issuer is ${JSON.stringify(document['issuer'])}, not ${issuer}`);
  }
  return readMetadata(document);
}

function readMetadata(document: JsonObject): ServerMetadata {
  const aliases = document['mtls_endpoint_aliases'];
  return {
    ...text('jwksUri', document['jwks_uri']),
    ...text('introspectionEndpoint', document['introspection_endpoint']),
    ...(isJsonObject(aliases) ? text('mtlsIntrospectionEndpoint', aliases['introspection_endpoint']) : {}),
  };
}

function text(name: keyof ServerMetadata, value: unknown): ServerMetadata {
  return typeof value === 'string' && value !== '' ? { [name]: value } : {};
}
