import { Allow, IsBoolean, IsDefined, IsIn } from './class-validator.js';
import type {
  ClientAuthentication,
  ClientSecretAuthentication,
  ClientSecretJwtAuthentication,
  InProcessIntrospectionOptions,
  IntrospectionCacheOptions,
  NoClientAuthentication,
  PrivateKeyJwtAuthentication,
  RemoteIntrospectionOptions,
  SharedIntrospectionCacheOptions,
  TlsClientAuthentication,
} from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import type {
  CacheSettings,
  InProcessIntrospectionSettings,
  RemoteIntrospectionSettings,
} from '../introspection/introspection-rules.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { type Declaration, Declares } from './declared-options.js';
import {
  Given,
  IsFunction,
  IsGroup,
  IsNumberFrom,
  IsPositiveInt,
  IsSeconds,
  IsSecret,
  IsText,
  IsTextRecord,
  isFunction,
  MOST_ENTRIES,
  Satisfies,
} from './option-checks.js';

@Declares<SharedIntrospectionCacheOptions>()
class CheckedSharedCacheOptions implements SettingsOf<SharedIntrospectionCacheOptions> {
  @Satisfies('store', 'give a store, as new RedisIntrospectionStore(client)', isIntrospectionStore)
  readonly store!: SharedIntrospectionCacheOptions['store'];

  @IsSecret('give at least 32 bytes, the same on all instances')
  readonly secret!: SharedIntrospectionCacheOptions['secret'];
}

function isIntrospectionStore(value: unknown): boolean {
  return isJsonObject(value) && isFunction(value['get']) && isFunction(value['set']);
}

@Declares<IntrospectionCacheOptions>()
class CheckedCacheOptions implements CacheSettings {
  @Given() @IsSeconds() readonly ttl: number = 60;
  @Given() @IsSeconds() readonly negativeTtl: number = 10;
  @Given() @IsPositiveInt(MOST_ENTRIES) readonly maxEntries: number = 10_000;

  @Given()
  @IsGroup('give { store, secret }', () => CheckedSharedCacheOptions)
  readonly shared: CheckedSharedCacheOptions | undefined;
}

const CLIENT_ID = 'give the client_id of this API at the server';

@Declares<TlsClientAuthentication>()
class CheckedClientId implements SettingsOf<TlsClientAuthentication | NoClientAuthentication> {
  @Allow() readonly method!: TlsClientAuthentication['method'] | NoClientAuthentication['method'];
  @IsText(CLIENT_ID) readonly clientId!: string;
}

@Declares<ClientSecretAuthentication>()
class CheckedClientSecret implements SettingsOf<ClientSecretAuthentication> {
  @Allow() readonly method!: ClientSecretAuthentication['method'];
  @IsText(CLIENT_ID) readonly clientId!: string;
  @IsText('give the secret of this client') readonly clientSecret!: string;
}

@Declares<ClientSecretJwtAuthentication>()
class CheckedClientSecretJwt implements SettingsOf<ClientSecretJwtAuthentication> {
  @Allow() readonly method!: ClientSecretJwtAuthentication['method'];
  @IsText(CLIENT_ID) readonly clientId!: string;
  @IsText('give the secret of this client') readonly clientSecret!: string;

  @Given()
  @IsIn(['HS256', 'HS384', 'HS512'], { message: 'use HS256, HS384 or HS512' })
  readonly algorithm: 'HS256' | 'HS384' | 'HS512' = 'HS256';
}

@Declares<PrivateKeyJwtAuthentication>()
class CheckedPrivateKeyJwt implements SettingsOf<PrivateKeyJwtAuthentication, 'keyId'> {
  @Allow() readonly method!: PrivateKeyJwtAuthentication['method'];
  @IsText(CLIENT_ID) readonly clientId!: string;

  @IsDefined({ message: 'give the private key: PEM, JWK, KeyObject or CryptoKey' })
  readonly key!: PrivateKeyJwtAuthentication['key'];

  @IsIn(JWS_ALGORITHMS, { message: `use one of ${JWS_ALGORITHMS.join(', ')}` })
  readonly algorithm!: PrivateKeyJwtAuthentication['algorithm'];

  @Given() @IsText('give the key id as a string') readonly keyId: PrivateKeyJwtAuthentication['keyId'];
}

/** By method, what a client has to give. */
const AUTHENTICATIONS = {
  client_secret_basic: CheckedClientSecret,
  client_secret_post: CheckedClientSecret,
  client_secret_jwt: CheckedClientSecretJwt,
  private_key_jwt: CheckedPrivateKeyJwt,
  tls_client_auth: CheckedClientId,
  self_signed_tls_client_auth: CheckedClientId,
  none: CheckedClientId,
} as const satisfies Readonly<Record<ClientAuthentication['method'], Declaration>>;

const METHODS = Object.keys(AUTHENTICATIONS);

/** Where the method is unknown, nothing can be said of the rest. */
class UnknownClientAuthentication {
  @IsIn(METHODS, { message: `use one of ${METHODS.join(', ')}` }) readonly method: unknown;
  @Allow() readonly clientId: unknown;
  @Allow() readonly clientSecret: unknown;
  @Allow() readonly key: unknown;
  @Allow() readonly algorithm: unknown;
  @Allow() readonly keyId: unknown;
}

function authenticationOf({ method }: JsonObject): Declaration {
  const known = Object.entries(AUTHENTICATIONS).find(([name]) => name === method);
  return known === undefined ? UnknownClientAuthentication : known[1];
}

class CheckedIntrospectionRules {
  @Given()
  @IsIn(['opaque', 'all'], { message: `use 'opaque' or 'all'` })
  readonly tokens: RemoteIntrospectionSettings['tokens'] = 'opaque';

  @Given()
  @IsIn(['required', 'if-present'], { message: `use 'required' or 'if-present'` })
  readonly audience: RemoteIntrospectionSettings['audience'] = 'required';

  @Given()
  @IsGroup('give { ttl?, negativeTtl?, maxEntries?, shared? }', () => CheckedCacheOptions)
  readonly cache: CheckedCacheOptions | undefined;

  @Given()
  @IsNumberFrom(1, 86_400, 'seconds')
  readonly revalidateAfter: RemoteIntrospectionSettings['revalidateAfter'];

  @Given() @IsBoolean({ message: 'use true or false' }) readonly revalidateInBackground: boolean = false;
}

@Declares<InProcessIntrospectionOptions>()
class CheckedInProcessIntrospection
  extends CheckedIntrospectionRules
  implements InProcessIntrospectionSettings
{
  @IsFunction('give a function (token) => Promise<claims>')
  readonly introspect!: InProcessIntrospectionSettings['introspect'];
}

@Declares<RemoteIntrospectionOptions>()
class CheckedRemoteIntrospection extends CheckedIntrospectionRules implements RemoteIntrospectionSettings {
  @IsGroup('say how this API authenticates: { method, clientId, ... }', authenticationOf)
  readonly clientAuthentication!: RemoteIntrospectionSettings['clientAuthentication'];

  @Given()
  @IsText('give the URL of the endpoint')
  readonly endpoint: RemoteIntrospectionSettings['endpoint'];

  @Given() @IsTextRecord() readonly parameters: RemoteIntrospectionSettings['parameters'] = {};
  @Given() @IsTextRecord() readonly headers: RemoteIntrospectionSettings['headers'] = {};

  @Given()
  @IsIn(['json', 'jwt', 'keycloak-jwt', 'access-token-jwt'], {
    message: `use 'json', 'jwt', 'keycloak-jwt' or 'access-token-jwt'`,
  })
  readonly responseFormat: RemoteIntrospectionSettings['responseFormat'] = 'json';
}

/** Whether introspection is by HTTP is told by whether there is a function. */
export function introspectionOf(given: JsonObject): Declaration {
  return 'introspect' in given ? CheckedInProcessIntrospection : CheckedRemoteIntrospection;
}
