import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import { claimAt, textOfPath } from '../claims/claim-at.js';
import { readPrivateKey } from '../introspection/client-authentication.js';
import type { VerifiedAccessToken } from '../decision.js';
import { outage } from '../challenge/oauth-error.js';
import type { SettingsOf } from '../common/settings-of.js';
import { isAuthorization } from './authorization-header.js';
import type { IntrospectedPhantomToken, MintedPhantomToken } from './forward-auth.options.js';

/** The JWT that the API behind the proxy gets, as configured. */
export type PhantomTokenSettings = SettingsOf<IntrospectedPhantomToken> | MintedPhantomTokenSettings;

/** A JWT that is made here. */
export type MintedPhantomTokenSettings = SettingsOf<MintedPhantomToken, 'keyId' | 'audience' | 'claims'>;

/**
 * Makes the header with the JWT that the API behind the proxy gets in place of the client's token.
 * @param answer the signed introspection answer that the token was looked up with, where it was
 */
export type PhantomTokenMaker = (
  token: VerifiedAccessToken,
  answer: string | undefined,
) => Promise<Readonly<Record<string, string>>>;

/** @throws OAuthError 503 when there is no signed answer to hand on */
export function phantomTokenMaker(options: PhantomTokenSettings): PhantomTokenMaker {
  const { header } = options;
  const make = options.from === 'key' ? minter(options) : signedAnswer;
  return async (token, answer) => {
    const jwt = await make(token, answer);
    return { [header]: isAuthorization(header) ? `Bearer ${jwt}` : jwt };
  };
}

async function signedAnswer(_token: VerifiedAccessToken, answer: string | undefined): Promise<string> {
  if (answer !== undefined) return answer;
  const detail = 'there is no signed introspection answer to hand on';
  throw outage('authorization_server_answer_invalid', { detail });
}

/** What the claims taken over can't replace: it is about the new JWT, or about the proof of the client's key. */
const OWN_CLAIMS = new Set(['iss', 'aud', 'iat', 'exp', 'nbf', 'jti', 'cnf', 'active']);

/** @see RFC 9068 §2.2 */
function minter({
  key,
  algorithm,
  keyId,
  issuer,
  audience,
  lifetime,
  claims = [],
}: MintedPhantomTokenSettings): (token: VerifiedAccessToken) => Promise<string> {
  const privateKey = readPrivateKey(key);
  const kid = keyId ?? (typeof key === 'object' && 'kid' in key ? key.kid : undefined);
  const header = { alg: algorithm, typ: 'at+jwt', ...(kid === undefined ? {} : { kid }) };
  const copied = claims
    .map((path) => ({ name: textOfPath(path), path }))
    .filter(({ name }) => !OWN_CLAIMS.has(name));
  return async (token) => {
    const now = Math.floor(Date.now() / 1000);
    const { subject, clientId, scopes, expiresAt } = token;
    return new SignJWT({
      ...Object.fromEntries(copied.map(({ name, path }) => [name, claimAt(token.claims, path)])),
      ...(subject === undefined ? {} : { sub: subject }),
      ...(clientId === undefined ? {} : { client_id: clientId }),
      scope: [...scopes].join(' '),
    })
      .setProtectedHeader(header)
      .setIssuer(issuer)
      .setAudience([audience ?? token.audience].flat())
      .setIssuedAt(now)
      .setExpirationTime(Math.min(now + Math.floor(lifetime), Math.floor(expiresAt)))
      .setJti(randomUUID())
      .sign(privateKey);
  };
}
