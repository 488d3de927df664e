import type {
  InProcessIntrospectionOptions,
  IntrospectionCacheOptions,
  RemoteIntrospectionOptions,
} from '../cert-bound-auth.options.js';
import type { ClaimRules } from '../claims/check-claims.js';
import { type ClaimContext, stringClaims } from '../claims/claim-context.js';
import type { SettingsOf } from '../common/settings-of.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { bytesOf } from '../jose/shared-secret.js';
import type { ClientAuthenticationSettings } from './client-authentication.js';
import type { AnswerFormat } from './introspection-client.js';
import type { IntrospectionCacheSettings } from './introspection-cache.js';
import type { SignedAnswerRules } from './signed-introspection-answer.js';

/** How tokens are looked up, as configured. */
export type IntrospectionSettings = RemoteIntrospectionSettings | InProcessIntrospectionSettings;

/** Introspection by HTTP. */
export type RemoteIntrospectionSettings = SettingsOf<
  Omit<RemoteIntrospectionOptions, 'introspect'>,
  'endpoint' | 'cache' | 'revalidateAfter',
  {
    readonly clientAuthentication: ClientAuthenticationSettings;
    readonly cache: CacheSettings | undefined;
  }
>;

/** Introspection by a function of the app. */
export type InProcessIntrospectionSettings = SettingsOf<
  Omit<
    InProcessIntrospectionOptions,
    'clientAuthentication' | 'endpoint' | 'parameters' | 'headers' | 'responseFormat'
  >,
  'cache' | 'revalidateAfter',
  { readonly cache: CacheSettings | undefined }
>;

/** How long answers are kept, as configured. */
export type CacheSettings = SettingsOf<IntrospectionCacheOptions, 'shared'>;

/** How tokens are looked up, and what an answer must say. */
export interface IntrospectionRules {
  readonly source: RemoteIntrospectionSource | InProcessIntrospectionSource;
  readonly tokens: 'opaque' | 'all';
  readonly cache: IntrospectionCacheSettings;
  /** How long answers about JWTs are kept, where that is another matter than of opaque tokens. */
  readonly jwtCache: IntrospectionCacheSettings;
  readonly claims: ClaimRules;
}

/** An introspection endpoint. */
export interface RemoteIntrospectionSource {
  readonly kind: 'remote';
  readonly clientAuthentication: ClientAuthenticationSettings;
  readonly endpoint: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly format: AnswerFormat['kind'];
  /** What a signed answer must be (RFC 9701); `undefined` where none is asked for. */
  readonly signed: SignedAnswerRules | undefined;
}

/** A function in this process. */
export interface InProcessIntrospectionSource {
  readonly kind: 'in-process';
  readonly introspect: (token: string) => Promise<object | undefined>;
}

/**
 * How the tokens of one server are looked up, by its options.
 * @param algorithms those that signed answers may be signed with
 */
export function introspectionRulesOf(
  settings: IntrospectionSettings,
  algorithms: readonly SignatureAlgorithm[],
  context: ClaimContext,
): IntrospectionRules {
  const { issuer, audience, clockTolerance, names } = context;
  return {
    source: 'introspect' in settings ? inProcess(settings) : remote(settings, algorithms, context),
    tokens: settings.tokens,
    ...cachesOf(settings),
    claims: {
      issuer,
      issuerPresence: 'if-present',
      audience,
      audiencePresence: settings.audience,
      clockTolerance,
      requiredClaims: [],
      forbiddenClaims: [],
      stringClaims: stringClaims(names),
    },
  };
}

/** What the function throws at once is an answer that never comes, as where it rejects. */
function inProcess(settings: InProcessIntrospectionSettings): InProcessIntrospectionSource {
  return { kind: 'in-process', introspect: async (token) => settings.introspect(token) };
}

function remote(
  settings: RemoteIntrospectionSettings,
  algorithms: readonly SignatureAlgorithm[],
  { issuer, audience, clockTolerance }: ClaimContext,
): RemoteIntrospectionSource {
  const { clientAuthentication, endpoint, parameters, headers, responseFormat } = settings;
  const signed = {
    issuer,
    audience: [clientAuthentication.clientId, ...audience],
    algorithms,
    clockTolerance,
  };
  return {
    kind: 'remote',
    clientAuthentication,
    endpoint,
    parameters: { ...parameters },
    headers: { ...headers },
    format: responseFormat,
    signed: responseFormat === 'jwt' ? signed : undefined,
  };
}

function cachesOf(settings: IntrospectionSettings): Pick<IntrospectionRules, 'cache' | 'jwtCache'> {
  const cache = settings.cache === undefined ? undefined : cacheOf(settings.cache);
  return { cache, jwtCache: jwtCacheOf(settings, cache) };
}

function cacheOf({ shared, ...limits }: CacheSettings): NonNullable<IntrospectionCacheSettings> {
  return {
    ...limits,
    shared: shared === undefined ? undefined : { store: shared.store, secret: bytesOf(shared.secret) },
  };
}

/** As where `cache` is given as `{}`, but that whoever wants to be asked again soon is not told "inactive" for longer. */
const WITHOUT_CACHE = { negativeTtl: 10, maxEntries: 10_000, shared: undefined };

/** In the background a JWT is asked about while its last answer still counts: then that counts for as long again. */
function jwtCacheOf(
  { revalidateAfter, revalidateInBackground }: IntrospectionSettings,
  cache: IntrospectionCacheSettings,
): IntrospectionCacheSettings {
  if (revalidateAfter === undefined) return cache;
  const { negativeTtl, ...limits } = cache ?? WITHOUT_CACHE;
  return {
    ...limits,
    negativeTtl: Math.min(negativeTtl, revalidateAfter),
    ttl: revalidateInBackground ? 2 * revalidateAfter : revalidateAfter,
    ...(revalidateInBackground ? { renewAfter: revalidateAfter } : {}),
  };
}
