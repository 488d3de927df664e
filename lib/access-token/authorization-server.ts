import { invalidToken, outage } from '../challenge/oauth-error.js';
import type { AuthorizationServerHealth } from '../events/authorization-server-health.js';
import { andThen, type MaybePromise } from '../common/maybe-promise.js';
import type { IntrospectionRules, RemoteIntrospectionSource } from '../introspection/introspection-rules.js';
import type { AuthorizationServerRules } from './authorization-server-rules.js';
import { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import { checkClaims, type ClaimRules } from '../claims/check-claims.js';
import { knownIssuer } from '../claims/known-issuers.js';
import { withoutEmptyMembers } from '../claims/without-empty-members.js';
import { CircuitBreaker } from '../authorization-server/circuit-breaker.js';
import { clientAuthenticator } from '../introspection/client-authentication.js';
import { introspectInProcess } from '../introspection/in-process-introspection.js';
import { type Introspect, IntrospectionAnswers } from '../introspection/introspection-cache.js';
import {
  type AnswerFormat,
  introspect,
  type IntrospectionCall,
} from '../introspection/introspection-client.js';
import { introspectionEndpoint } from '../introspection/introspection-endpoint.js';
import { isShallow, type JsonObject } from '../jose/json-object.js';
import { type JwtRules, type UnverifiedJwt, verifyJwt } from './jwt-verifier.js';
import type { KeyGroup } from '../authorization-server/key-set.js';
import type { RefreshHealth } from '../authorization-server/refreshed-value.js';
import { ServerMetadataSource } from '../authorization-server/server-metadata.js';
import { verifySignedAnswer } from '../introspection/signed-introspection-answer.js';
import {
  askedFor,
  fixedSigningKeys,
  type KeysToVerifyWith,
  RemoteSigningKeys,
  sharedSecret,
  type SigningKeys,
} from '../authorization-server/signing-keys.js';
import { StatusLists } from '../status-list/status-lists.js';
import { statusReferenceOf, type StatusReference } from '../status-list/status-reference.js';
import { confirmedClaims } from './confirmed-claims.js';
import { wordOf } from './token-word.js';
import { verifyTokenAnswer } from './token-answer.js';
import { type SignedText, verifySignature } from '../authorization-server/verify-signature.js';
import { bothValid, validityOf, type VerifiedClaims } from './verified-claims.js';

/** How a server is asked about a token, and what its answer must say. */
interface Introspection {
  readonly answers: IntrospectionAnswers;
  /** Those about JWTs that are verified locally as well. */
  readonly jwtAnswers: IntrospectionAnswers;
  readonly rules: ClaimRules;
}

/** One trusted authorization server: verifies the tokens that it issued, by itself or by asking it. */
export class AuthorizationServer {
  /** Whether the introspection endpoint is asked at present. */
  readonly circuit: CircuitBreaker;
  private readonly http: AuthorizationServerHttp;
  private readonly metadata: ServerMetadataSource;
  private readonly keys: SigningKeys;
  private readonly introspection: Introspection | undefined;
  private readonly statusLists: StatusLists | undefined;
  /** Whether a key is served still. */
  private readonly served = new WeakMap<KeyGroup, () => boolean>();

  constructor(readonly settings: AuthorizationServerRules) {
    this.circuit = new CircuitBreaker(settings.issuer);
    this.http = new AuthorizationServerHttp(settings.issuer, settings.http);
    this.metadata = new ServerMetadataSource(settings.issuer, this.http, settings.keyCache);
    this.keys = this.signingKeys();
    this.introspection = this.prepareIntrospection();
    this.statusLists = this.prepareStatusLists();
  }

  /**
   * Verifies a JWT that claims to be from this server.
   * @param beforeAsking called before the server is asked about it, or for keys that are not known; it may refuse
   * @throws OAuthError
   */
  verifyJwt(
    token: string,
    jwt: UnverifiedJwt,
    beforeAsking: () => void = () => undefined,
  ): MaybePromise<VerifiedClaims> {
    const { settings } = this;
    if (settings.jwt === undefined) {
      beforeAsking();
      return this.lookUp(token);
    }
    const keys = askedFor(this.keys, beforeAsking);
    return andThen(this.verifySigned(token, jwt, settings.jwt, keys), (verified) => {
      if (settings.introspection?.tokens !== 'all') return verified;
      beforeAsking();
      return this.confirmed(verified, token);
    });
  }

  /** Whether its keys are in the configuration: nothing has to be fetched to verify a signature. */
  get hasFixedKeys(): boolean {
    return this.keys.health().state === 'fixed';
  }

  /** Verifies the signature of a JWT and nothing else, to explain what becomes of it. @throws OAuthError */
  async checkSignature(signed: SignedText): Promise<void> {
    await verifySignature(signed, this.keys);
  }

  /** Looks a token up by introspection. @throws OAuthError */
  async lookUp(token: string): Promise<VerifiedClaims> {
    if (this.introspection === undefined) throw invalidToken('token_opaque');
    return this.readAnswer(token, this.introspection.answers, this.introspection);
  }

  private async readAnswer(
    token: string,
    answers: IntrospectionAnswers,
    { rules }: Introspection,
  ): Promise<VerifiedClaims> {
    const answer = await answers.ask(token);
    if (!answer.active) throw invalidToken(answer.reason, this.whyInactive(answer));
    const { signed } = answer;
    if (!isShallow(answer.claims)) throw outage('authorization_server_answer_invalid', TOO_DEEP);
    const claims = withoutEmptyMembers(answer.claims, [...OPTIONAL_MEMBERS, ...rules.stringClaims]);
    checkClaims(claims, rules, Date.now() / 1000);
    refuseOtherTokens(claims);
    return {
      claims,
      signedAnswer: signed,
      size: JSON.stringify(answer).length,
      validity: validityOf(claims, rules),
      holds: answers.holder(token, answer),
    };
  }

  /** Where the status of a token stands, if anywhere. @throws OAuthError 401 where that is no place that counts */
  statusOf(claims: JsonObject): StatusReference | undefined {
    const { statusLists } = this;
    if (statusLists === undefined) return undefined;
    const reference = statusReferenceOf(claims);
    if (reference !== undefined) statusLists.requireAllowed(reference);
    return reference;
  }

  /** Looks a status up. @throws OAuthError 401 where the token is not valid; 503 where nobody can tell */
  checkStatus(reference: StatusReference): MaybePromise<void> {
    return this.statusLists?.check(reference);
  }

  private whyInactive({ detail }: { readonly detail?: string }): { readonly detail?: string } {
    const known = detail ?? knownIssuer(this.settings.issuer)?.inactiveHint;
    return known === undefined ? {} : { detail: known };
  }

  /** Fetches metadata and keys, so that no request has to wait for them. @throws OAuthError 503 */
  async prepare(): Promise<void> {
    if (this.usesKeys()) await this.keys.current();
    const { introspection } = this.settings;
    if (introspection?.source.kind === 'remote') {
      await introspectionEndpoint(introspection.source, this.metadata);
    }
  }

  /** Fetches metadata and keys anew. @throws OAuthError 503 */
  async refreshKeys(): Promise<void> {
    const [metadata] = await Promise.allSettled([this.metadataAnew()]);
    // Even where the metadata cannot be had: where the keys are may be known already.
    if (this.usesKeys()) await this.keys.refresh();
    if (metadata.status === 'rejected') throw metadata.reason;
  }

  private async metadataAnew(): Promise<void> {
    if (this.settings.keys.kind === 'discovered') await this.metadata.fetchNow();
  }

  /** Whether there is anything that its keys verify. */
  private usesKeys(): boolean {
    const { jwt, introspection } = this.settings;
    if (jwt !== undefined) return true;
    // Stryker disable next-line ConditionalExpression,OptionalChaining: without JWTs there is introspection, and only a remote one is signed
    return introspection?.source.kind === 'remote' && introspection.source.format !== 'json';
  }

  /** How the server is doing, as far as is known without asking it. */
  health(): AuthorizationServerHealth {
    const { issuer, introspection } = this.settings;
    const isRemote = introspection?.source.kind === 'remote';
    return {
      issuer,
      keys: this.keys.health(),
      introspection: isRemote ? this.circuit.state : 'none',
      statusLists: worstOf(this.statusLists?.health() ?? []),
    };
  }

  /** Ends the connections to the server. */
  async close(): Promise<void> {
    await this.http.close();
  }

  private verifySigned(
    token: string,
    jwt: UnverifiedJwt,
    rules: JwtRules,
    keys: KeysToVerifyWith,
  ): MaybePromise<VerifiedClaims> {
    const { payload } = jwt;
    return andThen(verifyJwt(token, jwt, rules, keys), (group) => {
      if (!isShallow(payload)) throw invalidToken('claim_malformed', TOO_DEEP);
      return {
        claims: payload,
        signedAnswer: undefined,
        size: token.length,
        validity: validityOf(payload, rules.claims),
        holds: this.whileServed(group),
      };
    });
  }

  /** One function for all tokens of a key: each of them keeps it in memory as long as it is known. */
  private whileServed(group: KeyGroup): () => boolean {
    const before = this.served.get(group);
    if (before !== undefined) return before;
    const isServed = (): boolean => !group.withdrawn && this.keys.serve();
    this.served.set(group, isServed);
    return isServed;
  }

  /** What a JWT says must be what its server says of it, which may have revoked it. */
  private async confirmed(verified: VerifiedClaims, token: string): Promise<VerifiedClaims> {
    if (this.introspection === undefined) throw invalidToken('token_opaque');
    const answer = await this.readAnswer(token, this.introspection.jwtAnswers, this.introspection);
    const { claimNames, confirmedJwt } = this.settings;
    const claims = confirmedClaims(verified.claims, answer.claims, claimNames);
    if (confirmedJwt !== undefined) checkClaims(claims, confirmedJwt, Date.now() / 1000);
    return {
      claims,
      signedAnswer: answer.signedAnswer,
      size: verified.size + answer.size,
      validity: bothValid(verified.validity, answer.validity),
      holds: () => verified.holds() && answer.holds(),
    };
  }

  private signingKeys(): SigningKeys {
    const { keys, issuer, keyCache } = this.settings;
    const remote = (url: () => MaybePromise<string>): SigningKeys =>
      new RemoteSigningKeys(`keys of ${issuer}`, this.http, url, keyCache);
    switch (keys.kind) {
      case 'discovered':
        return remote(async () => this.metadata.find('jwksUri'));
      case 'jwks-uri':
        return remote(() => keys.url);
      case 'fixed':
        return fixedSigningKeys(keys.jwks);
      case 'secret':
        return sharedSecret(keys.secret);
    }
  }

  private prepareStatusLists(): StatusLists | undefined {
    const { statusLists, http } = this.settings;
    if (statusLists === undefined) return undefined;
    return new StatusLists(statusLists, this.http, this.keys, http.allowLoopbackHttp);
  }

  private prepareIntrospection(): Introspection | undefined {
    const { introspection } = this.settings;
    if (introspection === undefined) return undefined;
    const { cache, jwtCache, claims, source } = introspection;
    const answers = this.answersOf(source, cache);
    return {
      answers,
      jwtAnswers: jwtCache === cache ? answers : this.answersOf(source, jwtCache),
      rules: claims,
    };
  }

  private answersOf(
    source: IntrospectionRules['source'],
    cache: IntrospectionRules['cache'],
  ): IntrospectionAnswers {
    const { issuer } = this.settings;
    if (source.kind === 'in-process') {
      return new IntrospectionAnswers(async (token) => introspectInProcess(token, source), issuer, cache);
    }
    const call = this.introspectionCall(source);
    const ask: Introspect = async (token) => introspect(token, call, this.http);
    return new IntrospectionAnswers(ask, scopeOf(issuer, source), cache);
  }

  private introspectionCall(source: RemoteIntrospectionSource): IntrospectionCall {
    const { clientAuthentication, parameters, headers } = source;
    return {
      endpoint: async () => introspectionEndpoint(source, this.metadata),
      authenticate: clientAuthenticator(clientAuthentication, this.settings.issuer),
      breaker: this.circuit,
      parameters,
      headers: byLowerCase(headers),
      format: this.answerFormat(source),
    };
  }

  private answerFormat({ format, signed }: RemoteIntrospectionSource): AnswerFormat {
    const { answerJwt } = this.settings;
    if (format === 'json') return { kind: format };
    if (format === 'jwt' && signed !== undefined) {
      return { kind: format, verify: async (jwt) => verifySignedAnswer(jwt, signed, this.keys) };
    }
    if (format !== 'jwt' && answerJwt !== undefined) {
      return { kind: format, verify: async (jwt) => verifyTokenAnswer(jwt, answerJwt, this.keys) };
    }
    // The options see to it that there are: to read the answer as JSON would be to verify nothing.
    throw new Error(`there are no rules for answers of the format ${format}`);
  }
}

/** The worst that one of the lists is in; those that nobody has needed lately are no trouble. */
function worstOf(lists: readonly RefreshHealth[]): AuthorizationServerHealth['statusLists'] {
  const states = new Set(lists.map(({ state }) => state));
  return (['unavailable', 'stale', 'fresh'] as const).find((state) => states.has(state)) ?? 'none';
}

/** As calls have them: one that is given takes the place of ours, however it is written. */
function byLowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** What beside the token an answer depends on: another API may share the store, and ask otherwise. */
function scopeOf(issuer: string, source: RemoteIntrospectionSource): string {
  const { clientAuthentication, endpoint, parameters, headers, format, signed } = source;
  return JSON.stringify([
    issuer,
    clientAuthentication.clientId,
    endpoint,
    parameters,
    headers,
    // As it was before there were other formats.
    signed?.issuer,
    ...(format === 'json' || format === 'jwt' ? [] : [format]),
  ]);
}

/** What an introspection answer need not say, beside subject, client and token id (RFC 7662 §2.2). */
const OPTIONAL_MEMBERS = ['iss', 'aud', 'nbf', 'iat'] as const;

const TOO_DEEP = { detail: 'the claims are nested more than 64 levels deep' };

/** An introspection endpoint knows other tokens too: those are for the authorization server, not for an API. */
function refuseOtherTokens(claims: JsonObject): void {
  const word = wordOf(claims);
  if (word === undefined || word.kind === 'access-token') return;
  throw invalidToken('token_type_mismatch', { detail: `the token's ${word.claim} is ${word.value}` });
}
