import {
  Allow,
  ArrayNotEmpty,
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
import type { JwsAlgorithm } from '../cert-bound-auth.options.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';

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

const BINDING = `use 'required' (every token must be bound) or 'if-bound'`;
const AUDIENCE = `name the aud values of this API's tokens, as 'https://api.example.com' or a list of such`;
const STRINGS = 'give a list of non-empty strings';
const POSITIVE = 'give a whole number, 1 or more';
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

function IsPositiveInt(): PropertyDecorator {
  return Satisfies('positiveInt', POSITIVE, (value) => Number.isSafeInteger(value) && (value as number) >= 1);
}

function IsText(message: string): PropertyDecorator {
  return Satisfies('text', message, (value) => typeof value === 'string' && value !== '');
}

function IsTextRecord(): PropertyDecorator {
  return Satisfies(
    'textRecord',
    'give an object whose values are strings',
    (value) => isRecord(value) && Object.values(value).every((item) => typeof item === 'string'),
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
}

class TlsSchema {
  @Given() @IsMaterial('or-list') ca?: unknown;
  @Given() @IsMaterial('one') key?: unknown;
  @Given() @IsMaterial('one') cert?: unknown;
}

class HttpSchema {
  @Given() @IsPositiveInt() connectTimeout?: unknown;
  @Given() @IsPositiveInt() timeout?: unknown;
  @Given() @IsPositiveInt() maxResponseSize?: unknown;
  @Given() @IsBoolean({ message: 'use true or false' }) allowLoopbackHttp?: unknown;
}

class JwtSchema {
  @Given() @IsText('give the URL of the JWK Set') jwksUri?: unknown;
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

function isKeySet(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value['keys']) && value['keys'].length > 0;
}

function isType(value: unknown): boolean {
  if (value === false) return true;
  const list = typeof value === 'string' ? [value] : value;
  return isStringList(list) && list.length > 0;
}

class CacheSchema {
  @Given() @IsSeconds() ttl?: unknown;
  @Given() @IsSeconds() negativeTtl?: unknown;
  @Given() @IsPositiveInt() maxEntries?: unknown;
}

const METHODS = ['client_secret_basic', 'private_key_jwt', 'tls_client_auth'] as const;

class UnknownMethodSchema {
  @IsIn(METHODS, { message: `use one of ${METHODS.join(', ')}` }) method?: unknown;
  @Allow() clientId?: unknown;
  @Allow() clientSecret?: unknown;
  @Allow() key?: unknown;
  @Allow() algorithm?: unknown;
  @Allow() keyId?: unknown;
}

class TlsClientAuthSchema {
  @Allow() method?: unknown;
  @IsText('give the client_id of this API at the server') clientId?: unknown;
}

class ClientSecretSchema extends TlsClientAuthSchema {
  @IsText('give the secret of this client') clientSecret?: unknown;
}

class PrivateKeyJwtSchema extends TlsClientAuthSchema {
  @IsDefined({ message: 'give the private key: PEM, JWK, KeyObject or CryptoKey' }) key?: unknown;
  @IsIn(JWS_ALGORITHMS, { message: `use one of ${JWS_ALGORITHMS.join(', ')}` }) algorithm?: unknown;
  @Given() @IsText('give the key id as a string') keyId?: unknown;
}

class IntrospectionSchema {
  @IsObject({ message: 'say how this API authenticates: { method, clientId, ... }' })
  @ValidateNested()
  clientAuthentication?: unknown;
  @Given() @IsText('give the URL of the endpoint') endpoint?: unknown;
  @Given() @IsIn(['opaque', 'all'], { message: `use 'opaque' or 'all'` }) tokens?: unknown;
  @Given()
  @IsIn(['required', 'if-present'], { message: `use 'required' or 'if-present'` })
  audience?: unknown;
  @Given()
  @IsObject({ message: 'give { ttl?, negativeTtl?, maxEntries? }' })
  @ValidateNested()
  cache?: unknown;
  @Given() @IsTextRecord() parameters?: unknown;
  @Given() @IsTextRecord() headers?: unknown;
}

class AuthorizationServerSchema {
  @IsText('give the exact iss of the tokens') issuer?: unknown;
  @Given()
  @ValidateIf((_, value) => value !== false)
  @IsObject({ message: 'give false or an object' })
  @ValidateNested()
  jwt?: unknown;
  @Given()
  @IsObject({ message: 'give { clientAuthentication, ... }' })
  @ValidateNested()
  introspection?: unknown;
  @Given() @IsAudience() audience?: unknown;
  @Given() @IsIn(['required', 'if-bound'], { message: BINDING }) binding?: unknown;
  @Given() @IsObject({ message: 'give { scope?, clientId? }' }) @ValidateNested() claims?: unknown;
  @Given() @IsObject({ message: 'give { ca?, key?, cert? }' }) @ValidateNested() tls?: unknown;
  @Given() @IsObject({ message: 'give { timeout?, ... }' }) @ValidateNested() http?: unknown;
}

class ClientCertificateSchema {
  @IsIn(['tls'], { message: `use 'tls'` }) from?: unknown;
  @Given() @IsIn(['ca', 'any'], { message: `use 'ca' or 'any'` }) trust?: unknown;
}

class OptionsSchema {
  @IsAudience() audience?: unknown;
  @IsArray({ message: 'give a list with at least one server: [{ issuer }]' })
  @ArrayNotEmpty({ message: 'give at least one server: [{ issuer }]' })
  @IsObject({ each: true, message: 'every server is an object: { issuer, ... }' })
  @ValidateNested({ each: true })
  authorizationServers?: unknown;
  @Given() @IsIn(['required', 'if-bound'], { message: BINDING }) binding?: unknown;
  @Given()
  @IsObject({ message: `give { from: 'tls', trust?: 'ca' | 'any' }` })
  @ValidateNested()
  clientCertificate?: unknown;
  @Given() @IsSeconds(300) clockTolerance?: unknown;
  @Given()
  @IsString({ message: 'give a string' })
  @IsNotEmpty({ message: 'leave it out or give some text' })
  @Matches(/^[\x20-\x7e]*$/, { message: 'use printable ASCII only' })
  realm?: unknown;
  @Given() @IsBoolean({ message: 'use true or false' }) exposeToken?: unknown;
  @Given()
  @Satisfies('function', 'give a function (token, request) => user', (value) => typeof value === 'function')
  validate?: unknown;
}

/**
 * Checks the shape of the options: every field, its type, and that there is no other.
 * @returns a problem for each wrong field
 */
export function checkOptionsShape(options: unknown): readonly ConfigurationProblem[] {
  if (!isRecord(options)) return [problem('options', options, 'give { audience, authorizationServers }')];
  const errors = validateSync(withSchemas(options), {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: true,
  });
  return errors.flatMap((error) => flatten(error, ''));
}

/** The tree of the options as instances of the schemas. They are made by hand: class-transformer clones keys. */
function withSchemas(options: Readonly<Record<string, unknown>>): object {
  const servers = options['authorizationServers'];
  return instance(OptionsSchema, {
    ...options,
    ...nested(options, 'clientCertificate', ClientCertificateSchema),
    authorizationServers: Array.isArray(servers)
      ? servers.map((server) => serverWithSchemas(server))
      : servers,
  });
}

function serverWithSchemas(server: unknown): unknown {
  if (!isRecord(server)) return server;
  return instance(AuthorizationServerSchema, {
    ...server,
    ...nested(server, 'jwt', JwtSchema),
    ...nested(server, 'claims', ClaimNamesSchema),
    ...nested(server, 'tls', TlsSchema),
    ...nested(server, 'http', HttpSchema),
    ...('introspection' in server
      ? { introspection: introspectionWithSchemas(server['introspection']) }
      : {}),
  });
}

function introspectionWithSchemas(introspection: unknown): unknown {
  if (!isRecord(introspection)) return introspection;
  const authentication = introspection['clientAuthentication'];
  const schema = isRecord(authentication) ? schemaOf(authentication['method']) : UnknownMethodSchema;
  return instance(IntrospectionSchema, {
    ...introspection,
    ...nested(introspection, 'clientAuthentication', schema),
    ...nested(introspection, 'cache', CacheSchema),
  });
}

function schemaOf(method: unknown): new () => object {
  switch (method) {
    case 'client_secret_basic':
      return ClientSecretSchema;
    case 'private_key_jwt':
      return PrivateKeyJwtSchema;
    case 'tls_client_auth':
      return TlsClientAuthSchema;
    default:
      return UnknownMethodSchema;
  }
}

function nested(parent: Readonly<Record<string, unknown>>, name: string, schema: new () => object): object {
  const value = parent[name];
  return isRecord(value) ? { [name]: instance(schema, value) } : {};
}

/** Not by its constructor: class fields would make own properties of what was not given. */
function instance(schema: new () => object, values: object): object {
  return Object.assign(Object.create(schema.prototype as object) as object, values);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
