import { ArrayNotEmpty, IsArray, IsBoolean, IsIn } from './class-validator.js';
import type { AuthorizationServerSettings, TlsSettings } from '../access-token/authorization-server-rules.js';
import type { JwtSettings } from '../access-token/jwt-rules.js';
import { isAllowedUrl } from '../authorization-server/authorization-server-http.js';
import type { KeyCacheSettings } from '../authorization-server/refreshed-value.js';
import type {
  AuthorizationServerHttpOptions,
  AuthorizationServerOptions,
  AuthorizationServerTlsOptions,
  ClaimNames,
  ClaimPath,
  JwtOptions,
  KeyCacheOptions,
  StatusListOptions,
} from '../cert-bound-auth.options.js';
import type { ClaimNameSettings } from '../claims/claim-context.js';
import { LONGEST_TIMER_MS } from '../common/at-time.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import { isJsonObject } from '../jose/json-object.js';
import type { StatusListSettings } from '../status-list/status-list-rules.js';
import { Declares } from './declared-options.js';
import { introspectionOf } from './introspection.settings.js';
import {
  Given,
  IsAudience,
  IsBindingPolicy,
  IsClaimPath,
  IsClaimPaths,
  IsGroup,
  IsGroupOrFalse,
  IsMaterial,
  IsNumberFrom,
  IsPositiveInt,
  IsSeconds,
  IsSecret,
  IsText,
  isClaimPaths,
  isTextOrTexts,
  Satisfies,
} from './option-checks.js';

@Declares<ClaimNames>()
class CheckedClaimNames implements ClaimNameSettings {
  @Given() @IsClaimPath('name the claim with the scopes') readonly scope: ClaimPath = 'scope';
  @Given()
  @IsClaimPath('name the claim with the client identifier')
  readonly clientId: ClaimPath = 'client_id';

  @Given() @IsClaimPath('name the claim with the subject') readonly subject: ClaimPath = 'sub';
}

@Declares<AuthorizationServerTlsOptions>()
export class CheckedTlsOptions implements TlsSettings {
  @Given() @IsMaterial('or-list') readonly ca: TlsSettings['ca'];
  @Given() @IsMaterial('one') readonly key: TlsSettings['key'];
  @Given() @IsMaterial('one') readonly cert: TlsSettings['cert'];
}

@Declares<AuthorizationServerHttpOptions>()
export class CheckedHttpOptions {
  @Given() @IsPositiveInt(LONGEST_TIMER_MS) readonly connectTimeout: number = 3_000;
  @Given() @IsPositiveInt(LONGEST_TIMER_MS) readonly timeout: number = 5_000;
  @Given() @IsPositiveInt(LONGEST_TIMER_MS) readonly maxResponseSize: number = 1_048_576;
  @Given() @IsPositiveInt(1_024) readonly maxConnections: number = 64;

  @Given()
  @Satisfies(
    'proxy',
    `give the http: or https: URL of the proxy (user and password, if any, both), or 'environment'`,
    isProxy,
  )
  readonly proxy: AuthorizationServerHttpOptions['proxy'];

  @Given() @IsBoolean({ message: 'use true or false' }) readonly allowLoopbackHttp: boolean = false;
}

/** A day, in seconds. */
const LONGEST_KEY_LIFE = 86_400;

@Declares<KeyCacheOptions>()
class CheckedKeyCacheOptions implements KeyCacheSettings {
  @Given()
  @IsNumberFrom(1, LONGEST_KEY_LIFE, 'seconds')
  readonly refreshAfter: KeyCacheSettings['refreshAfter'];

  @Given() @IsNumberFrom(1, LONGEST_KEY_LIFE, 'seconds') readonly maxAge: number = 600;
  @Given() @IsSeconds(LONGEST_KEY_LIFE) readonly staleIfError: number = 0;
}

/** Bytes: of what is larger, no server makes one list. */
const LARGEST_LIST = 67_108_864;

@Declares<StatusListOptions>()
class CheckedStatusListOptions implements StatusListSettings {
  @Given()
  @Satisfies('origins', `give a list of https: origins, as ['https://status.example.com']`, areOrigins)
  readonly origins: StatusListSettings['origins'];

  @Given() @IsNumberFrom(1, LONGEST_KEY_LIFE, 'seconds') readonly maxAge: number = 300;
  @Given() @IsSeconds(LONGEST_KEY_LIFE) readonly staleIfError: number = 0;
  @Given() @IsPositiveInt(LARGEST_LIST) readonly maxSize: number = 1_048_576;
}

/** `http:` serves a server on this machine, where that is allowed at all. */
function areOrigins(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isOrigin(item));
}

function isOrigin(value: unknown): boolean {
  return typeof value === 'string' && isAllowedUrl(value, true) && new URL(value).origin === value;
}

@Declares<JwtOptions>()
class CheckedJwtOptions implements JwtSettings {
  @Given() @IsText('give the URL of the JWK Set') readonly jwksUri: JwtSettings['jwksUri'];
  @Given() @IsSecret() readonly secret: JwtSettings['secret'];

  @Given()
  @Satisfies('jwks', 'give a JWK Set, { keys: [...] }', isKeySet)
  readonly jwks: JwtSettings['jwks'];

  @Given()
  @IsArray({ message: `give a list of ${JWS_ALGORITHMS.join(', ')}` })
  @ArrayNotEmpty({ message: `give at least one of ${JWS_ALGORITHMS.join(', ')}` })
  @IsIn(JWS_ALGORITHMS, { each: true, message: `accept only ${JWS_ALGORITHMS.join(', ')}` })
  readonly algorithms: JwtSettings['algorithms'];

  @Given()
  @Satisfies('typ', `give a media type such as 'at+jwt', a list of such, or false`, isType)
  readonly typ: JwtSettings['typ'] = 'at+jwt';

  @Given() @IsClaimPaths() readonly requiredClaims: JwtSettings['requiredClaims'];
  @Given() @IsClaimPaths() readonly forbiddenClaims: JwtSettings['forbiddenClaims'] = [];
  @Given()
  @Satisfies('recognizedBy', `give 'own-word' or a list of claims`, isRecognition)
  readonly recognizedBy: JwtSettings['recognizedBy'] = ['client_id', 'scope', 'scp'];

  @Given() @IsSeconds() readonly maxTokenAge: JwtSettings['maxTokenAge'];
}

function isProxy(value: unknown): boolean {
  return value === 'environment' || isProxyUrl(value);
}

/** Whether this is the URL of a proxy. A path, a query or a user without a password would be left out without a word. */
export function isProxyUrl(value: unknown): boolean {
  const text = value instanceof URL ? value.href : value;
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(text);
  return (
    (protocol === 'http:' || protocol === 'https:') &&
    pathname + search + hash === '/' &&
    (username === '') === (password === '') &&
    canDecode(username) &&
    canDecode(password)
  );
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function isKeySet(value: unknown): boolean {
  return isJsonObject(value) && Array.isArray(value['keys']) && value['keys'].length > 0;
}

function isRecognition(value: unknown): boolean {
  return value === 'own-word' || isClaimPaths(value);
}

function isType(value: unknown): boolean {
  return value === false || isTextOrTexts(value);
}

@Declares<AuthorizationServerOptions>()
export class CheckedAuthorizationServerOptions implements AuthorizationServerSettings {
  @IsText('give the exact iss of the tokens') readonly issuer!: string;

  @Given()
  @IsGroupOrFalse('give false or an object', () => CheckedJwtOptions)
  readonly jwt: false | CheckedJwtOptions = new CheckedJwtOptions();

  @Given()
  @IsGroup('give { clientAuthentication, ... } or { introspect }', introspectionOf)
  readonly introspection: AuthorizationServerSettings['introspection'];

  @Given() @IsAudience() readonly audience: AuthorizationServerSettings['audience'];

  @Given() @IsBindingPolicy() readonly binding: AuthorizationServerSettings['binding'];

  @Given()
  @IsGroup('give { scope?, clientId?, subject? }', () => CheckedClaimNames)
  readonly claims: CheckedClaimNames = new CheckedClaimNames();

  @Given()
  @IsGroup('give { ca?, key?, cert? }', () => CheckedTlsOptions)
  readonly tls: CheckedTlsOptions | undefined;

  @Given()
  @IsGroup('give { timeout?, ... }', () => CheckedHttpOptions)
  readonly http: CheckedHttpOptions = new CheckedHttpOptions();

  @Given()
  @IsGroup('give { refreshAfter?, maxAge?, staleIfError? }', () => CheckedKeyCacheOptions)
  readonly keyCache: CheckedKeyCacheOptions = new CheckedKeyCacheOptions();

  @Given()
  @IsGroupOrFalse(
    'give false or { origins?, maxAge?, staleIfError?, maxSize? }',
    () => CheckedStatusListOptions,
  )
  readonly statusList: false | CheckedStatusListOptions = new CheckedStatusListOptions();
}
