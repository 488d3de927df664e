import {
  Allow,
  ArrayNotEmpty,
  getMetadataStorage,
  IsArray,
  IsBoolean,
  IsDefined,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsString,
  Matches,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationError,
  validateSync,
} from 'class-validator';
import { bytesOf } from '../jose/shared-secret.js';
import type { CertBoundAuthOptions, DpopAlgorithm, JwsAlgorithm } from '../cert-bound-auth.options.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { isJsonObject } from '../jose/json-object.js';

/** Every algorithm that may be accepted, and by default is. */
export const JWS_ALGORITHMS: readonly JwsAlgorithm[] = [
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/** Every algorithm that a DPoP proof may be signed with, and by default is accepted. */
export const DPOP_ALGORITHMS: readonly DpopAlgorithm[] = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'EdDSA',
  'Ed25519',
];

const BINDING = `use 'required' (every token must be bound) or 'if-bound'`;
const AUDIENCE = `name the aud values of this API's tokens, as 'https://api.example.com' or a list of such`;
const STRINGS = 'give a list of non-empty strings';
/** What a timer of Node can hold, in milliseconds. */
const LONGEST_TIMER = 2_147_483_647;
const MOST_ENTRIES = 10_000_000;
const MOST_CONNECTIONS = 1_024;
/** A day, in seconds. */
const LONGEST_KEY_LIFE = 86_400;
const SECONDS = 'give a number of seconds, 0 or more';

/** Where `@IsOptional()` would also admit `null`. */
function Given(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

function Satisfies(name: string, message: string, test: (value: unknown) => boolean): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: test, defaultMessage: () => message } });
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');
}

function IsAudience(): PropertyDecorator {
  return Satisfies('audience', AUDIENCE, (value) => {
    const list = typeof value === 'string' ? [value] : value;
    return isStringList(list) && list.length > 0;
  });
}

function IsSeconds(most = Number.MAX_SAFE_INTEGER): PropertyDecorator {
  const message = most === Number.MAX_SAFE_INTEGER ? SECONDS : `give a number of seconds, 0 to ${most}`;
  return Satisfies('seconds', message, (value) => typeof value === 'number' && value >= 0 && value <= most);
}

function IsPositiveInt(most: number): PropertyDecorator {
  const message = `give a whole number, 1 to ${most}`;
  return Satisfies(
    'positiveInt',
    message,
    (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most,
  );
}

function IsNumberFrom(least: number, most: number, unit: string): PropertyDecorator {
  return Satisfies(
    'numberFrom',
    `give a number of ${unit}, ${least} to ${most}`,
    (value) => typeof value === 'number' && value >= least && value <= most,
  );
}

function IsText(message: string): PropertyDecorator {
  return Satisfies('text', message, (value) => typeof value === 'string' && value !== '');
}

function IsTextRecord(): PropertyDecorator {
  return Satisfies(
    'textRecord',
    'give an object whose values are strings',
    (value) => isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string'),
  );
}

function IsMaterial(list: 'one' | 'or-list'): PropertyDecorator {
  return Satisfies('material', 'give PEM text or its bytes', (value) => {
    const items: readonly unknown[] = list === 'or-list' && Array.isArray(value) ? value : [value];
    return items.length > 0 && items.every((item) => isPem(item));
  });
}

function isPem(value: unknown): boolean {
  return (typeof value === 'string' || Buffer.isBuffer(value)) && value.toString().includes('-----BEGIN ');
}

class ClaimNamesSchema {
  @Given() @IsText('name the claim with the scopes') scope?: unknown;
  @Given() @IsText('name the claim with the client identifier') clientId?: unknown;
  @Given() @IsText('name the claim with the subject') subject?: unknown;
}

class TlsSchema {
  @Given() @IsMaterial('or-list') ca?: unknown;
  @Given() @IsMaterial('one') key?: unknown;
  @Given() @IsMaterial('one') cert?: unknown;
}

class HttpSchema {
  @Given() @IsPositiveInt(LONGEST_TIMER) connectTimeout?: unknown;
  @Given() @IsPositiveInt(LONGEST_TIMER) timeout?: unknown;
  @Given() @IsPositiveInt(LONGEST_TIMER) maxResponseSize?: unknown;
  @Given() @IsPositiveInt(MOST_CONNECTIONS) maxConnections?: unknown;
  @Given() @IsBoolean({ message: 'use true or false' }) allowLoopbackHttp?: unknown;
}

class KeyCacheSchema {
  @Given() @IsNumberFrom(1, LONGEST_KEY_LIFE, 'seconds') refreshAfter?: unknown;
  @Given() @IsNumberFrom(1, LONGEST_KEY_LIFE, 'seconds') maxAge?: unknown;
  @Given() @IsSeconds(LONGEST_KEY_LIFE) staleIfError?: unknown;
}

class TokenCacheSchema {
  @Given() @IsPositiveInt(MOST_ENTRIES) maxEntries?: unknown;
  @Given() @IsPositiveInt(Number.MAX_SAFE_INTEGER) maxSize?: unknown;
}

class JwtSchema {
  @Given() @IsText('give the URL of the JWK Set') jwksUri?: unknown;
  @Given() @Satisfies('secret', 'give at least 32 bytes', isSecret) secret?: unknown;
  @Given() @Satisfies('jwks', 'give a JWK Set, { keys: [...] }', isKeySet) jwks?: unknown;
  @Given()
  @IsArray({ message: `give a list of ${JWS_ALGORITHMS.join(', ')}` })
  @ArrayNotEmpty({ message: `give at least one of ${JWS_ALGORITHMS.join(', ')}` })
  @IsIn(JWS_ALGORITHMS, { each: true, message: `accept only ${JWS_ALGORITHMS.join(', ')}` })
  algorithms?: unknown;
  @Given()
  @Satisfies('typ', `give a media type such as 'at+jwt', a list of such, or false`, isType)
  typ?: unknown;
  @Given() @Satisfies('strings', STRINGS, isStringList) requiredClaims?: unknown;
  @Given() @Satisfies('strings', STRINGS, isStringList) forbiddenClaims?: unknown;
  @Given() @IsSeconds() maxTokenAge?: unknown;
}

function isSecret(value: unknown): boolean {
  return (typeof value === 'string' || value instanceof Uint8Array) && bytesOf(value).length >= 32;
}

function isKeySet(value: unknown): boolean {
  return isJsonObject(value) && Array.isArray(value['keys']) && value['keys'].length > 0;
}

function isType(value: unknown): boolean {
  if (value === false) return true;
  const list = typeof value === 'string' ? [value] : value;
  return isStringList(list) && list.length > 0;
}

class CacheSchema {
  @Given() @IsSeconds() ttl?: unknown;
  @Given() @IsSeconds() negativeTtl?: unknown;
  @Given() @IsPositiveInt(MOST_ENTRIES) maxEntries?: unknown;
  @Given() @IsObject({ message: 'give { store, secret }' }) @ValidateNested() shared?: unknown;
}

class SharedCacheSchema {
  @Satisfies('store', 'give a store, as new RedisIntrospectionStore(client)', isIntrospectionStore)
  store?: unknown;
  @Satisfies('secret', 'give at least 32 bytes, the same on all instances', isSecret) secret?: unknown;
}

function isIntrospectionStore(value: unknown): boolean {
  return isJsonObject(value) && isFunction(value['get']) && isFunction(value['set']);
}

const METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;

class UnknownMethodSchema {
  @IsIn(METHODS, { message: `use one of ${METHODS.join(', ')}` }) method?: unknown;
  @Allow() clientId?: unknown;
  @Allow() clientSecret?: unknown;
  @Allow() key?: unknown;
  @Allow() algorithm?: unknown;
  @Allow() keyId?: unknown;
}

class ClientIdSchema {
  @Allow() method?: unknown;
  @IsText('give the client_id of this API at the server') clientId?: unknown;
}

class ClientSecretSchema extends ClientIdSchema {
  @IsText('give the secret of this client') clientSecret?: unknown;
}

class ClientSecretJwtSchema extends ClientSecretSchema {
  @Given() @IsIn(['HS256', 'HS384', 'HS512'], { message: 'use HS256, HS384 or HS512' }) algorithm?: unknown;
}

class PrivateKeyJwtSchema extends ClientIdSchema {
  @IsDefined({ message: 'give the private key: PEM, JWK, KeyObject or CryptoKey' }) key?: unknown;
  @IsIn(JWS_ALGORITHMS, { message: `use one of ${JWS_ALGORITHMS.join(', ')}` }) algorithm?: unknown;
  @Given() @IsText('give the key id as a string') keyId?: unknown;
}

class IntrospectionSchema {
  @Given() @IsIn(['opaque', 'all'], { message: `use 'opaque' or 'all'` }) tokens?: unknown;
  @Given()
  @IsIn(['required', 'if-present'], { message: `use 'required' or 'if-present'` })
  audience?: unknown;
  @Given()
  @IsObject({ message: 'give { ttl?, negativeTtl?, maxEntries?, shared? }' })
  @ValidateNested()
  cache?: unknown;
}

class InProcessIntrospectionSchema extends IntrospectionSchema {
  @Satisfies('function', 'give a function (token) => Promise<claims>', isFunction) introspect?: unknown;
}

class RemoteIntrospectionSchema extends IntrospectionSchema {
  @IsObject({ message: 'say how this API authenticates: { method, clientId, ... }' })
  @ValidateNested()
  clientAuthentication?: unknown;
  @Given() @IsText('give the URL of the endpoint') endpoint?: unknown;
  @Given() @IsTextRecord() parameters?: unknown;
  @Given() @IsTextRecord() headers?: unknown;
  @Given() @IsIn(['json', 'jwt'], { message: `use 'json' or 'jwt'` }) responseFormat?: unknown;
}

class AuthorizationServerSchema {
  @IsText('give the exact iss of the tokens') issuer?: unknown;
  @Given()
  @ValidateIf((_, value) => value !== false)
  @IsObject({ message: 'give false or an object' })
  @ValidateNested()
  jwt?: unknown;
  @Given()
  @IsObject({ message: 'give { clientAuthentication, ... } or { introspect }' })
  @ValidateNested()
  introspection?: unknown;
  @Given() @IsAudience() audience?: unknown;
  @Given() @IsIn(['required', 'if-bound'], { message: BINDING }) binding?: unknown;
  @Given() @IsObject({ message: 'give { scope?, clientId?, subject? }' }) @ValidateNested() claims?: unknown;
  @Given() @IsObject({ message: 'give { ca?, key?, cert? }' }) @ValidateNested() tls?: unknown;
  @Given() @IsObject({ message: 'give { timeout?, ... }' }) @ValidateNested() http?: unknown;
  @Given()
  @IsObject({ message: 'give { refreshAfter?, maxAge?, staleIfError? }' })
  @ValidateNested()
  keyCache?: unknown;
}

const PUBLIC_URL = `give the origin that clients see, as 'https://api.example.com', a list of such, or a function`;

class DpopSchema {
  @Satisfies('publicUrl', PUBLIC_URL, isPublicUrl) publicUrl?: unknown;
  @Given()
  @IsArray({ message: `give a list of ${DPOP_ALGORITHMS.join(', ')}` })
  @ArrayNotEmpty({ message: `give at least one of ${DPOP_ALGORITHMS.join(', ')}` })
  @IsIn(DPOP_ALGORITHMS, { each: true, message: `accept only ${DPOP_ALGORITHMS.join(', ')}` })
  algorithms?: unknown;
  @Given() @IsNumberFrom(1, 3600, 'seconds') proofLifetime?: unknown;
  @Given() @IsSeconds(300) clockSkew?: unknown;
  @Given() @IsNumberFrom(256, 16_384, 'characters') maxProofLength?: unknown;
  @Given()
  @IsIn(['off', 'required', 'instead-of-iat'], { message: `use 'off', 'required' or 'instead-of-iat'` })
  nonce?: unknown;
  @Given() @Satisfies('secret', 'give at least 32 bytes', isSecret) nonceSecret?: unknown;
  @Given() @IsNumberFrom(2, 86_400, 'seconds') nonceLifetime?: unknown;
  @Given()
  @Satisfies('replayStore', 'give an object with addIfAbsent(key, ttlSeconds)', isReplayStore)
  replayStore?: unknown;
}

function isPublicUrl(value: unknown): boolean {
  if (typeof value === 'function') return true;
  const list = typeof value === 'string' ? [value] : value;
  return isStringList(list) && list.length > 0;
}

function isReplayStore(value: unknown): boolean {
  return isJsonObject(value) && typeof value['addIfAbsent'] === 'function';
}

const TRUSTED_PROXIES = `name who may send the header: ['10.0.0.0/8', 'loopback']; from anyone else it is ignored`;

class UnknownSourceSchema {
  @IsIn(['tls', 'header', 'custom'], { message: `use 'tls', 'header' or 'custom'` }) from?: unknown;
}

class TlsCertificateSchema {
  @Allow() from?: unknown;
  @Given() @IsIn(['ca', 'any'], { message: `use 'ca' or 'any'` }) trust?: unknown;
}

const TRUST = `say who verifies the chain: 'proxy', { ca } or 'any'`;

const FORMAT = `use 'rfc9440', 'pem', 'der', 'xfcc' or { xfcc: { hop?, hashAlone? } }`;

class HeaderCertificateSchema {
  @Allow() from?: unknown;
  @IsText('name the header') header?: unknown;
  @Satisfies('format', FORMAT, isFormat) format?: unknown;
  @IsArray({ message: TRUSTED_PROXIES })
  @ArrayNotEmpty({ message: TRUSTED_PROXIES })
  trustedProxies?: unknown;
  @Satisfies('trust', TRUST, isTrust) trust?: unknown;
  @Given() @IsText('name the header with the chain') chainHeader?: unknown;
  @Given()
  @Satisfies('verifyHeader', 'name the header with the verdict, or give { name, value }', isVerifyHeader)
  verifyHeader?: unknown;
}

class CustomCertificateSchema {
  @Allow() from?: unknown;
  @Satisfies('function', 'give a function (request) => PEM, DER or undefined', isFunction) find?: unknown;
  @Satisfies('trust', TRUST, isTrust) trust?: unknown;
}

function sourceSchemaOf(source: Fields): new () => object {
  switch (source['from']) {
    case 'tls':
      return TlsCertificateSchema;
    case 'header':
      return HeaderCertificateSchema;
    case 'custom':
      return CustomCertificateSchema;
    default:
      return UnknownSourceSchema;
  }
}

function isFormat(value: unknown): boolean {
  if (typeof value === 'string') return ['rfc9440', 'pem', 'der', 'xfcc'].includes(value);
  const der = onlyMember(value, 'der');
  if (der !== undefined) return onlyMember(der, 'list') === false;
  const xfcc = onlyMember(value, 'xfcc');
  return isJsonObject(xfcc) && isXfccFormat(xfcc);
}

function isXfccFormat({ hop, hashAlone, ...others }: Fields): boolean {
  const isHop =
    hop === undefined || (Number.isSafeInteger(hop) && (hop as number) >= 0 && (hop as number) < 100);
  const isHashAlone = hashAlone === undefined || typeof hashAlone === 'boolean';
  return isHop && isHashAlone && Object.keys(others).length === 0 && (hop ?? hashAlone) !== undefined;
}

/** The member of an object that has this one and no other. */
function onlyMember(value: unknown, name: string): unknown {
  return isJsonObject(value) && Object.keys(value).length === 1 ? value[name] : undefined;
}

function isTrust(value: unknown): boolean {
  if (value === 'proxy' || value === 'any') return true;
  const ca = onlyMember(value, 'ca');
  const list: readonly unknown[] = ca === undefined ? [] : [ca].flat();
  return list.length > 0 && list.every((item) => isPem(item));
}

function isVerifyHeader(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (!isJsonObject(value) || Object.keys(value).length !== 2) return false;
  const { name, value: expected } = value;
  return typeof name === 'string' && typeof expected === 'string' && name !== '' && expected !== '';
}

function isReport(value: unknown): boolean {
  return typeof value === 'boolean' || isFunction(value);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

class OptionsSchema {
  @IsAudience() audience?: unknown;
  @IsArray({ message: 'give a list with at least one server: [{ issuer }]' })
  @ArrayNotEmpty({ message: 'give at least one server: [{ issuer }]' })
  @IsObject({ each: true, message: 'every server is an object: { issuer, ... }' })
  @ValidateNested({ each: true })
  authorizationServers?: unknown;
  @Given() @IsIn(['required', 'if-bound'], { message: BINDING }) binding?: unknown;
  @Given() @IsIn(['by-configuration'], { message: `use 'by-configuration'` }) introspectionOrder?: unknown;
  @Given()
  @IsObject({ message: `give { from: 'tls' | 'header' | 'custom', ... }, or what forwardedBy makes` })
  @ValidateNested()
  clientCertificate?: unknown;
  @Given() @IsObject({ message: 'give { publicUrl, ... }' }) @ValidateNested() dpop?: unknown;
  @Given()
  @Satisfies('report', 'use true, false or a function (request) => void', isReport)
  reportUnbound?: unknown;
  @Given() @IsSeconds(300) clockTolerance?: unknown;
  @Given()
  @ValidateIf((_, value) => value !== false)
  @IsObject({ message: 'give false or { maxEntries?, maxSize? }' })
  @ValidateNested()
  tokenCache?: unknown;
  @Given() @IsIn(['lazy', 'eager'], { message: `use 'lazy' or 'eager'` }) bootstrap?: unknown;
  @Given()
  @IsString({ message: 'give a string' })
  @IsNotEmpty({ message: 'leave it out or give some text' })
  @Matches(/^[\x20-\x7e]*$/, { message: 'use printable ASCII only' })
  realm?: unknown;
  @Given() @IsBoolean({ message: 'use true or false' }) exposeToken?: unknown;
  @Given()
  @Satisfies('function', 'give a function (token, request) => user', isFunction)
  validate?: unknown;
}

/** The options as they were when they were checked, and what is wrong with their shape. */
export interface CheckedShape {
  /** Only to be used without problems. */
  readonly options: CertBoundAuthOptions;
  readonly problems: readonly ConfigurationProblem[];
}

/**
 * Checks the shape of the options: every field, its type, and that there is no other. What is checked is a copy,
 * and the copy is what is used: getters, and what changes later, have no say.
 */
export function checkOptionsShape(options: unknown): CheckedShape {
  const copy = isJsonObject(options) ? copyOptions(options) : options;
  const problems = isJsonObject(copy)
    ? validateSync(copy, {
        whitelist: true,
        forbidNonWhitelisted: true,
        forbidUnknownValues: true,
        stopAtFirstError: true,
      }).flatMap((error) => flatten(error, ''))
    : [problem('options', options, 'give { audience, authorizationServers }')];
  return { options: copy as CertBoundAuthOptions, problems };
}

type Fields = Readonly<Record<string, unknown>>;

/** The options as instances of the schemas. They are made by hand: class-transformer clones keys. */
function copyOptions(options: Fields): object {
  const copy = copyOf(OptionsSchema, options);
  const servers = copy['authorizationServers'];
  return Object.assign(copy, {
    ...nested(copy, 'clientCertificate', sourceSchemaOf(fieldsIn(copy, 'clientCertificate'))),
    ...nested(copy, 'dpop', DpopSchema),
    ...nested(copy, 'tokenCache', TokenCacheSchema),
    ...(Array.isArray(servers) ? { authorizationServers: servers.map((server) => copyServer(server)) } : {}),
  });
}

function copyServer(server: unknown): unknown {
  if (!isJsonObject(server)) return server;
  const copy = copyOf(AuthorizationServerSchema, server);
  return Object.assign(copy, {
    ...nested(copy, 'jwt', JwtSchema),
    ...nested(copy, 'claims', ClaimNamesSchema),
    ...nested(copy, 'tls', TlsSchema),
    ...nested(copy, 'http', HttpSchema),
    ...nested(copy, 'keyCache', KeyCacheSchema),
    ...('introspection' in copy ? { introspection: copyIntrospection(copy['introspection']) } : {}),
  });
}

function copyIntrospection(introspection: unknown): unknown {
  if (!isJsonObject(introspection)) return introspection;
  const kind = 'introspect' in introspection ? InProcessIntrospectionSchema : RemoteIntrospectionSchema;
  const copy = copyOf(kind, introspection);
  const authentication = copy['clientAuthentication'];
  const schema = isJsonObject(authentication) ? schemaOf(authentication['method']) : UnknownMethodSchema;
  return Object.assign(copy, {
    ...nested(copy, 'clientAuthentication', schema),
    ...('cache' in copy ? { cache: copyCache(copy['cache']) } : {}),
  });
}

/** The store itself stays what it is: a copy would lose what makes it work. */
function copyCache(cache: unknown): unknown {
  if (!isJsonObject(cache)) return cache;
  const copy = copyOf(CacheSchema, cache);
  return Object.assign(copy, nested(copy, 'shared', SharedCacheSchema));
}

function schemaOf(method: unknown): new () => object {
  switch (method as (typeof METHODS)[number]) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return ClientSecretSchema;
    case 'client_secret_jwt':
      return ClientSecretJwtSchema;
    case 'private_key_jwt':
      return PrivateKeyJwtSchema;
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
    case 'none':
      return ClientIdSchema;
    default:
      return UnknownMethodSchema;
  }
}

function fieldsIn(parent: Fields, name: string): Fields {
  const value = parent[name];
  return isJsonObject(value) ? value : {};
}

function nested(parent: Fields, name: string, schema: new () => object): object {
  const value = parent[name];
  return isJsonObject(value) ? { [name]: copyOf(schema, value) } : {};
}

/**
 * A copy of every own field, and of every field that the schema knows, wherever it comes from: an object of a class
 * may have getters. Not by the schema's constructor: class fields would make own fields of what was not given.
 */
function copyOf(schema: new () => object, value: Fields): Record<string, unknown> {
  const copy = Object.create(schema.prototype as object) as Record<string, unknown>;
  for (const name of new Set([
    ...Object.keys(value),
    ...fieldsOf(schema).filter((field) => field in value),
  ])) {
    copy[name] = copyOfField(value[name], value);
  }
  return copy;
}

function copyOfField(field: unknown, owner: Fields): unknown {
  if (Array.isArray(field)) return [...(field as readonly unknown[])];
  return typeof field === 'function' ? (field.bind(owner) as unknown) : field;
}

function fieldsOf(schema: new () => object): readonly string[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(schema, '', true, false);
  return metadata.map(({ propertyName }) => propertyName);
}

function flatten(error: ValidationError, parent: string): readonly ConfigurationProblem[] {
  const path = pathOf(parent, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([constraint, message]) =>
    problem(path, error.value, constraint === 'whitelistValidation' ? 'there is no such option' : message),
  );
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, path))];
}

function pathOf(parent: string, property: string): string {
  if (/^\d+$/.test(property)) return `${parent}[${property}]`;
  return parent === '' ? property : `${parent}.${property}`;
}
