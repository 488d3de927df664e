import { type OAuthError, outage } from '../challenge/oauth-error.js';
import { asOutage } from './as-outage.js';
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

/** The document that was found first, and where. */
interface FirstDocument {
  readonly place: 'oauth' | 'openid';
  readonly members: ServerMetadata;
}

/**
 * The metadata of one authorization server: fetched when first needed, and again before it is too old. Some servers name
 * their keys or their introspection endpoint in one of their two documents only. What the first one says stands, and the
 * second one is asked for only what the first one does not say: whatever becomes of it concerns nothing else.
 */
export class ServerMetadataSource {
  private readonly first: RefreshedValue<FirstDocument>;
  private readonly openid: RefreshedValue<ServerMetadata>;

  constructor(
    private readonly issuer: string,
    http: AuthorizationServerHttp,
    rules: RefreshRules,
  ) {
    this.first = new RefreshedValue(`metadata of ${issuer}`, async () => discover(issuer, http), rules);
    this.openid = new RefreshedValue(
      `OpenID metadata of ${issuer}`,
      async () => fetchOpenid(issuer, http),
      rules,
    );
  }

  /**
   * Finds the URL that a member names.
   * @param names one member, or several of which the first that is there counts
   * @throws OAuthError 503 when there is none, or no answer
   */
  async find(...names: readonly [keyof ServerMetadata, ...(keyof ServerMetadata)[]]): Promise<string> {
    const { place, members } = await this.first.get();
    const url = firstOf(names, members) ?? (place === 'oauth' ? await this.findInOpenid(names) : undefined);
    if (url === undefined) throw this.missing(names);
    return url;
  }

  /** Fetches anew what is in use. @throws OAuthError 503 */
  async fetchNow(): Promise<void> {
    await this.first.fetchNow();
    if (this.openid.known !== undefined) await this.openid.fetchNow();
  }

  private async findInOpenid(names: readonly (keyof ServerMetadata)[]): Promise<string | undefined> {
    try {
      return firstOf(names, await this.openid.get());
    } catch (cause) {
      const error = asOutage(cause);
      throw error.reason === 'authorization_server_unreachable' ? error : this.missing(names, error);
    }
  }

  private missing(names: readonly (keyof ServerMetadata)[], cause?: OAuthError): OAuthError {
    const elsewhere = cause === undefined ? '' : ` (${cause.detail})`;
    return outage('authorization_server_answer_invalid', {
      detail: `the metadata of ${this.issuer} has no ${names.at(-1)}${elsewhere}; set it in the options`,
      cause,
    });
  }
}

function firstOf(names: readonly (keyof ServerMetadata)[], members: ServerMetadata): string | undefined {
  return names.map((name) => members[name]).find((url) => url !== undefined);
}

/** Tries RFC 8414 and, where there is no such document, OpenID Connect Discovery. */
async function discover(issuer: string, http: AuthorizationServerHttp): Promise<FirstDocument> {
  const oauth = await fetchMetadata(oauthMetadataUrl(issuer), issuer, http);
  if (!(oauth instanceof Error)) return { place: 'oauth', members: oauth };
  const openid = await fetchMetadata(openidConfigurationUrl(issuer), issuer, http);
  if (!(openid instanceof Error)) return { place: 'openid', members: openid };
  throw outage('authorization_server_answer_invalid', { detail: `${oauth.message}; ${openid.message}` });
}

async function fetchOpenid(issuer: string, http: AuthorizationServerHttp): Promise<ServerMetadata> {
  const openid = await fetchMetadata(openidConfigurationUrl(issuer), issuer, http);
  if (!(openid instanceof Error)) return openid;
  throw outage('authorization_server_answer_invalid', { detail: openid.message });
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

/** An answer that is no metadata of the issuer. */
export class UnusableDocument extends Error {
  override readonly name = 'UnusableDocument';

  /** @param issuer what a document that is of another issuer names */
  constructor(
    message: string,
    readonly issuer?: unknown,
  ) {
    super(message);
  }
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
  const document = await fetchDocument(url, issuer, http);
  return document instanceof UnusableDocument ? document : readMetadata(document);
}

/** The same, with all that the document says. @throws OAuthError 503 when there is no answer at all */
export async function fetchDocument(
  url: string,
  issuer: string,
  http: AuthorizationServerHttp,
): Promise<JsonObject | UnusableDocument> {
  const answer = await http.call(url, {
    purpose: 'metadata',
    method: 'GET',
    headers: { accept: 'application/json' },
  });
  const document = answer.status === 200 ? parseJsonObject(answer.body) : undefined;
  if (document === undefined)
    return new UnusableDocument(`GET ${url}: status ${answer.status}, no JSON object`);
  // RFC 8414 §3.3: a document that names another issuer must not be used.
  if (document['issuer'] !== issuer) {
    const named = JSON.stringify(document['issuer']);
    return new UnusableDocument(`GET ${url}: its issuer is ${named}, not ${issuer}`, document['issuer']);
  }
  return document;
}

function readMetadata(document: JsonObject): ServerMetadata {
  const aliases = document['mtls_endpoint_aliases'];
  return {
    ...text('jwksUri', document['jwks_uri']),
    ...text('introspectionEndpoint', document['introspection_endpoint']),
    ...(isJsonObject(aliases) ? text('mtlsIntrospectionEndpoint', aliases['introspection_endpoint']) : {}),
  };
}

/** What is no text stays as it is written: it is no URL, whoever calls it is told so, and no other document replaces it. */
function text(name: keyof ServerMetadata, value: unknown): ServerMetadata {
  if (value === undefined || value === null || value === '') return {};
  return { [name]: typeof value === 'string' ? value : JSON.stringify(value) };
}
