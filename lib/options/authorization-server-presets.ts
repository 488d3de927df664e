import type { AuthorizationServerOptions } from '../cert-bound-auth.options.js';

/** Settings of a server beside its issuer: `{ issuer: '…', ...forKeycloak }`. */
export type AuthorizationServerPreset = Readonly<Pick<AuthorizationServerOptions, 'jwt' | 'claims'>>;

/**
 * Keycloak, without the client's "Use at+jwt" switch: the header has `typ: JWT`, the client is in `azp`. The client
 * needs an audience mapper for this API, and certificate-bound tokens switched on. For roles instead of scopes, set
 * `claims.scope` to `realm_access.roles` or `resource_access.<client>.roles`.
 */
export const forKeycloak: AuthorizationServerPreset = {
  jwt: { typ: 'JWT' },
  claims: { clientId: 'azp' },
};

/** Entra ID, v2.0 tokens: `typ: JWT`, scopes in `scp`, the client in `azp`, `uti` in place of `jti`. */
export const forEntraId: AuthorizationServerPreset = {
  jwt: { typ: 'JWT', requiredClaims: ['sub', 'azp', 'iat', 'uti'] },
  claims: { scope: 'scp', clientId: 'azp' },
};

/**
 * Auth0, its default token profile: `typ: JWT`, the client in `azp`, no `jti`. With the RFC 9068 profile it needs no
 * preset. The issuer ends with a slash: `https://<tenant>.auth0.com/`.
 */
export const forAuth0: AuthorizationServerPreset = {
  jwt: { typ: 'JWT', requiredClaims: ['sub', 'azp', 'iat'] },
  claims: { clientId: 'azp' },
};

/** Okta, custom authorization servers: no `typ`, scopes in the array `scp`, the client in `cid`. */
export const forOkta: AuthorizationServerPreset = {
  jwt: { typ: false },
  claims: { scope: 'scp', clientId: 'cid' },
};
