import { invalidToken } from '../challenge/oauth-error.js';
import type { AuthorizationServer } from './authorization-server.js';
import type { JsonObject } from './json-object.js';
import { readTokenShape } from './token-shape.js';

/** Claims of a token, and the server that vouches for them. */
export interface VerifiedClaims {
  readonly server: AuthorizationServer;
  readonly claims: JsonObject;
}

/** The trusted servers, found by issuer; and the one that opaque tokens are looked up at. */
export interface TrustedServers {
  readonly byIssuer: ReadonlyMap<string, AuthorizationServer>;
  readonly forOpaqueTokens: AuthorizationServer | undefined;
}

const MAX_TOKEN_LENGTH = 16_384;

/**
 * Verifies an access token with the server that issued it: a JWT by its `iss`, which chooses among the
 * configured servers and nothing else; any other token by introspection.
 * @throws OAuthError 401 `invalid_token`; 503 when the server can't be asked
 */
export async function verifyAccessToken(token: string, servers: TrustedServers): Promise<VerifiedClaims> {
  if (token.length > MAX_TOKEN_LENGTH) throw invalidToken('token_too_large');
  const shape = readTokenShape(token);
  if (shape.kind === 'encrypted') throw invalidToken('token_encrypted');
  if (shape.kind === 'opaque') {
    const server = servers.forOpaqueTokens;
    if (server === undefined) throw invalidToken('token_opaque', { detail: 'no server has introspection' });
    return { server, claims: await server.lookUp(token) };
  }
  if (shape.payload === undefined) {
    throw invalidToken('token_malformed', {
      detail: 'its payload is no JSON object, or its signature no base64url',
    });
  }
  const server = servers.byIssuer.get(shape.payload['iss'] as string);
  if (server === undefined)
    throw invalidToken('issuer_unknown', { detail: 'no server with the iss of the token' });
  return { server, claims: await server.verifyJwt(token, { header: shape.header, payload: shape.payload }) };
}
