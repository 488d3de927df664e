import { type AuthorizationServerPreset, presetOf } from './server-preset.js';

/** A server may be switched to the profile of RFC 9068 while older tokens are still about. */
const JWT_OR_AT_JWT = ['JWT', 'at+jwt'] as const;

/**
 * Keycloak. The header has `typ: JWT`, or `at+jwt` with the client's switch "Use "at+jwt" as access token header type";
 * the client is in `azp`. The payload must say `typ: Bearer` or `typ: DPoP`, which no ID token of Keycloak does.
 *
 * The client needs an audience mapper for this API, and one of the switches that bind its tokens (or both). For roles
 * instead of scopes, set `claims.scope` to `realm_access.roles`, or to a list of names:
 * `['resource_access', 'orders.bank.example', 'roles']`.
 * @example
 * ```ts
 * // keycloak.ts
 * import { forKeycloak } from 'nestjs-cert-bound-auth';
 *
 * export const keycloak = forKeycloak({
 *   issuer: 'https://keycloak.example.com/realms/bank',
 *   jwt: { algorithms: ['PS256'] },
 * });
 * ```
 */
export const forKeycloak = presetOf({
  jwt: { typ: JWT_OR_AT_JWT, recognizedBy: 'own-word' },
  claims: { clientId: 'azp' },
});

/**
 * Entra ID, v2.0 tokens: `typ: JWT`, scopes in `scp`, the client in `azp`, `uti` in place of `jti`. `scp` or `azpacr` must
 * be there, which no ID token has. For application permissions, set `claims.scope` to `roles`.
 *
 * Its reference of access token claims names no `cnf`. As long as your tokens have none, they need
 * `binding: 'if-bound'`.
 */
export const forEntraId = presetOf({
  jwt: {
    typ: JWT_OR_AT_JWT,
    requiredClaims: ['sub', 'azp', 'iat', 'uti'],
    recognizedBy: ['scp', 'azpacr'],
  },
  claims: { scope: 'scp', clientId: 'azp' },
});

/**
 * Auth0, its default token profile: `typ: JWT`, the client in `azp`, no `jti`. `scope`, `gty` or `permissions` must be
 * there, which no ID token has. With the RFC 9068 profile it needs no preset. The issuer ends with a slash:
 * `https://<tenant>.auth0.com/`.
 *
 * It binds tokens of an API with sender constraining, to certificates or by DPoP.
 */
export const forAuth0 = presetOf({
  jwt: {
    typ: JWT_OR_AT_JWT,
    requiredClaims: ['sub', 'azp', 'iat'],
    recognizedBy: ['scope', 'gty', 'permissions'],
  },
  claims: { clientId: 'azp' },
});

/**
 * Okta, custom authorization servers (`https://<org>.okta.com/oauth2/<id>`): no `typ`, scopes in the array `scp`, the
 * client in `cid`, which no ID token has. The access tokens of the organization's own server are for Okta alone.
 *
 * It binds tokens by DPoP.
 */
export const forOkta = presetOf({
  jwt: { typ: false, recognizedBy: ['cid'] },
  claims: { scope: 'scp', clientId: 'cid' },
});

/**
 * Amazon Cognito user pools: no `typ`. The payload must say `token_use: access`.
 *
 * Its access tokens have `aud` only where the client asks for a resource server by the parameter `resource` (resource
 * binding, RFC 8707). A token without `aud` is refused (`claim_missing`), for it is for no API in particular: let the
 * clients ask for this one.
 *
 * It cannot bind tokens: they need `binding: 'if-bound'`.
 */
export const forCognito = presetOf({ jwt: { typ: false, recognizedBy: 'own-word' }, claims: {} });

/**
 * PingFederate, JSON Web Tokens by an access token manager with its usual names `client_id` and `scope`. The manager must
 * have an issuer claim and an audience claim. `typ` is there where the manager has a type header value: set it to
 * `at+jwt`, and accept nothing else by `jwt: { typ: 'at+jwt' }`. `sub`, `iat` and `jti` depend on the manager,
 * so `client_id` alone is required.
 *
 * It binds tokens to certificates, or by DPoP.
 */
export const forPingFederate = presetOf({
  jwt: { typ: false, requiredClaims: ['client_id'] },
  claims: {},
});

/**
 * PingOne, custom resources: no `typ`, or `at+jwt` (always from March 2027 on). Tokens of the grant client_credentials have
 * no `sub`. `client_id` must be there, which no ID token has.
 *
 * Its reference of token claims names no `cnf`. As long as your tokens have none, they need `binding: 'if-bound'`.
 */
export const forPingOne = presetOf({
  jwt: { typ: false, requiredClaims: ['client_id', 'iat'], recognizedBy: ['client_id'] },
  claims: {},
});

/**
 * ForgeRock AM and Advanced Identity Cloud (PingAM), client-based tokens: `typ: JWT`, scopes in an array. The payload must
 * say `tokenName: access_token` or `token_type`. Older versions have no `client_id`.
 *
 * `aud` is the client's own id by default: add this API by a script of access token modification.
 *
 * It binds tokens to certificates.
 */
export const forForgeRock = presetOf({
  jwt: { typ: JWT_OR_AT_JWT, requiredClaims: ['sub', 'iat', 'jti'], recognizedBy: 'own-word' },
  claims: {},
});

/**
 * Duende IdentityServer: RFC 9068 with `typ: at+jwt`, scopes in an array, and no `sub` in tokens of the grant
 * client_credentials. `aud` is there where the scope belongs to an API resource.
 *
 * It binds tokens to certificates, or by DPoP.
 */
export const forDuende = presetOf({
  jwt: { requiredClaims: ['client_id', 'iat', 'jti'] },
  claims: {},
});

/**
 * The Curity Identity Server, JWT access tokens: no `typ`, and `client_id` only where the token procedure adds it. The
 * payload must say `purpose: access_token`.
 *
 * It binds tokens to certificates; from version 11.4 on also by DPoP.
 */
export const forCurity = presetOf({
  jwt: { typ: false, requiredClaims: ['sub', 'iat', 'jti'], recognizedBy: 'own-word' },
  claims: {},
});

/**
 * Ory Hydra with `strategies.access_token: jwt`: `typ: JWT`, scopes in the array `scp`, and what the consent app adds in
 * `ext`. `client_id` or `scp` must be there, which no ID token has. `aud` is there where the client asks for it by the
 * parameter `audience`, and may.
 *
 * It cannot bind tokens: they need `binding: 'if-bound'`.
 */
export const forHydra = presetOf({
  jwt: { typ: JWT_OR_AT_JWT, recognizedBy: ['client_id', 'scp'] },
  claims: { scope: 'scp' },
});

/**
 * Spring Authorization Server: no `typ`, scopes in an array, and no `client_id`. `scope` or `client_id` must be there, which
 * no ID token has; a client without scopes gets neither.
 *
 * `aud` is the client's own id by default, as in its ID tokens: add this API by an `OAuth2TokenCustomizer`, for access tokens
 * only. One that also adds `client_id` and sets the header's type to `at+jwt` makes this preset unnecessary.
 *
 * It binds tokens to certificates, or by DPoP.
 */
export const forSpringAuthorizationServer = presetOf({
  jwt: { typ: false, requiredClaims: ['sub', 'iat', 'jti'], recognizedBy: ['scope', 'client_id'] },
  claims: {},
});

/** Every preset, by its name in a configuration file. */
export const SERVER_PRESETS = {
  keycloak: forKeycloak,
  'entra-id': forEntraId,
  auth0: forAuth0,
  okta: forOkta,
  cognito: forCognito,
  'ping-federate': forPingFederate,
  'ping-one': forPingOne,
  forgerock: forForgeRock,
  duende: forDuende,
  curity: forCurity,
  hydra: forHydra,
  'spring-authorization-server': forSpringAuthorizationServer,
} as const satisfies Readonly<Record<string, AuthorizationServerPreset>>;
