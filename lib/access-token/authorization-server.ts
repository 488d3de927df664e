import { isDeepStrictEqual } from 'node:util';
import { invalidToken, outage } from '../challenge/oauth-error.js';
import type {
  RemoteIntrospectionSource,
  ResolvedAuthorizationServer,
  ResolvedIntrospection,
} from '../options/resolved-options.js';
import { AuthorizationServerHttp } from './authorization-server-http.js';
import { audienceOf, checkClaims, type ClaimRules } from './check-claims.js';
import { clientAuthenticator, isTlsMethod } from './client-authentication.js';
import { introspectInProcess } from './in-process-introspection.js';
import { cachedIntrospection, type Introspect } from './introspection-cache.js';
import { introspect, type IntrospectionCall } from './introspection-client.js';
import type { JsonObject } from './json-object.js';
import { type UnverifiedJwt, verifyJwt } from './jwt-verifier.js';
import { type ServerMetadata, ServerMetadataSource } from './server-metadata.js';
import { signedAnswerOf, withSignedAnswer } from './signed-answer-of.js';
import { verifySignedAnswer } from './signed-introspection-answer.js';
import { fixedSigningKeys, RemoteSigningKeys, sharedSecret, type SigningKeys } from './signing-keys.js';

/** How a server is asked about a token, and what its answer must say. */
interface Introspection {
  readonly ask: Introspect;
  readonly rules: ClaimRules;
}

/** One trusted authorization server: verifies the tokens that it issued, by itself or by asking it. */
export class AuthorizationServer {
  private readonly http: AuthorizationServerHttp;
  private readonly metadata: ServerMetadataSource;
  private readonly keys: SigningKeys;
  private readonly introspection: Introspection | undefined;

  constructor(readonly settings: ResolvedAuthorizationServer) {
    this.http = new AuthorizationServerHttp(settings.http);
    this.metadata = new ServerMetadataSource(settings.issuer, this.http);
    this.keys = this.signingKeys();
    this.introspection = this.prepareIntrospection();
  }

  /**
   * Verifies a JWT that claims to be from this server.
   * @returns its claims, which are the caller's to change
   * @throws OAuthError
   */
  async verifyJwt(token: string, jwt: UnverifiedJwt): Promise<JsonObject> {
    const { settings } = this;
    if (settings.jwt === undefined) return this.lookUp(token);
    const claims = await verifyJwt(token, jwt, settings.jwt, this.keys);
    if (settings.introspection?.tokens === 'all') {
      const answer = await this.lookUp(token);
      requireAgreement(claims, answer);
      return withSignedAnswer(claims, signedAnswerOf(answer));
    }
    return claims;
  }

  /**
   * Looks a token up by introspection.
   * @returns its claims, which are the caller's to change
   * @throws OAuthError
   */
  async lookUp(token: string): Promise<JsonObject> {
    if (this.introspection === undefined) throw invalidToken('token_opaque');
    const answer = await this.introspection.ask(token);
    if (!answer.active) throw invalidToken(answer.reason, answer);
    checkClaims(answer.claims, this.introspection.rules, Date.now() / 1000);
    refuseOtherTokens(answer.claims);
    // The answer may come from the cache: what a handler changes must not change it there.
    return withSignedAnswer(copyOf(answer.claims), answer.signed);
  }

  /** Ends the connections to the server. */
  async close(): Promise<void> {
    await this.http.close();
  }

  private signingKeys(): SigningKeys {
    const { keys } = this.settings;
    switch (keys.kind) {
      case 'discovered':
        return new RemoteSigningKeys(this.http, async () => this.discovered('jwksUri'));
      case 'jwks-uri':
        return new RemoteSigningKeys(this.http, async () => keys.url);
      case 'fixed':
        return fixedSigningKeys(keys.jwks);
      case 'secret':
        return sharedSecret(keys.secret);
    }
  }

  private prepareIntrospection(): Introspection | undefined {
    const { introspection } = this.settings;
    if (introspection === undefined) return undefined;
    return { ask: this.cached(introspection), rules: introspection.claims };
  }

  private cached({ source, cache }: ResolvedIntrospection): Introspect {
    const { issuer } = this.settings;
    if (source.kind === 'in-process') {
      return cachedIntrospection(async (token) => introspectInProcess(token, source), issuer, cache);
    }
    const call = this.introspectionCall(source);
    const ask: Introspect = async (token) => introspect(token, call, this.http);
    return cachedIntrospection(ask, scopeOf(issuer, source), cache);
  }

  private introspectionCall(source: RemoteIntrospectionSource): IntrospectionCall {
    const { clientAuthentication, parameters, headers, signed } = source;
    return {
      endpoint: async () => this.endpoint(source),
      authenticate: clientAuthenticator(clientAuthentication, this.settings.issuer),
      parameters,
      headers,
      verifySigned:
        signed === undefined ? undefined : async (jwt) => verifySignedAnswer(jwt, signed, this.keys),
    };
  }

  /** By mutual TLS, the alias is called where the server has one (RFC 8705 §5). */
  private async endpoint({ endpoint, clientAuthentication }: RemoteIntrospectionSource): Promise<string> {
    if (endpoint !== undefined) return endpoint;
    const { mtlsIntrospectionEndpoint } = await this.metadata.get();
    return isTlsMethod(clientAuthentication) && mtlsIntrospectionEndpoint !== undefined
      ? mtlsIntrospectionEndpoint
      : this.discovered('introspectionEndpoint');
  }

  private async discovered(name: keyof ServerMetadata): Promise<string> {
    const url = (await this.metadata.get())[name];
    if (url !== undefined) return url;
    throw outage('authorization_server_answer_invalid', {
      detail: `the metadata of ${this.settings.issuer} has no ${name}; set it in the options`,
    });
  }
}

/** What beside the token an answer depends on: another API may share the store, and ask otherwise. */
function scopeOf(issuer: string, source: RemoteIntrospectionSource): string {
  const { clientAuthentication, endpoint, parameters, headers, signed } = source;
  return JSON.stringify([
    issuer,
    clientAuthentication.clientId,
    endpoint,
    parameters,
    headers,
    signed?.issuer,
  ]);
}

/** @throws OAuthError 503 for what is nested too deeply to be copied */
function copyOf(claims: JsonObject): JsonObject {
  try {
    return structuredClone(claims);
  } catch (cause) {
    const detail = 'the introspection answer is nested too deeply';
    throw outage('authorization_server_answer_invalid', { detail, cause });
  }
}

const OTHER_TOKENS = new Set(['refresh_token', 'refresh', 'offline', 'id_token', 'id']);

/** An introspection endpoint knows other tokens too: those are for the authorization server, not for an API. */
function refuseOtherTokens(claims: JsonObject): void {
  for (const name of ['token_type', 'typ', 'token_use']) {
    const value = claims[name];
    if (typeof value === 'string' && OTHER_TOKENS.has(value.toLowerCase())) {
      throw invalidToken('token_type_mismatch', { detail: `the token's ${name} is ${value}` });
    }
  }
}

/** A JWT and what its server says of it must be about the same token (RFC 7662 §2.2, RFC 7519 §4.1.3). */
function requireAgreement(jwt: JsonObject, answer: JsonObject): void {
  if (!isDeepStrictEqual(jwt['cnf'], answer['cnf'])) throw conflict('cnf');
  if (Object.hasOwn(answer, 'aud') && !sameMembers(audienceOf(jwt), audienceOf(answer)))
    throw conflict('aud');
}

function sameMembers(one: readonly string[], other: readonly string[]): boolean {
  return isDeepStrictEqual(new Set(one), new Set(other));
}

function conflict(claim: string): Error {
  return invalidToken('introspection_conflict', { detail: `${claim} differs from the token's own` });
}
