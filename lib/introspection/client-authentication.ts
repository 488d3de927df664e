import { createPrivateKey, createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import { SignJWT } from 'jose/jwt/sign';
import type {
  ClientAuthentication,
  ClientSecretAuthentication,
  ClientSecretJwtAuthentication,
  PrivateKeyJwtAuthentication,
} from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';

/** What a client adds to a call to prove who it is. */
export interface ClientProof {
  readonly headers: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
}

/** How this API authenticates, as configured. */
export type ClientAuthenticationSettings =
  Exclude<ClientAuthentication, ClientSecretJwtAuthentication> | ClientSecretJwtSettings;

/** A JWT signed with the secret. */
export type ClientSecretJwtSettings = SettingsOf<ClientSecretJwtAuthentication>;

/** Makes the proof for one call. */
export type ClientAuthenticator = () => ClientProof | Promise<ClientProof>;

/**
 * Prepares the authentication of this API at an authorization server.
 * @param issuer the server's issuer identifier: the `aud` of assertions
 * @throws TypeError when the private key can't be read
 */
export function clientAuthenticator(
  authentication: ClientAuthenticationSettings,
  issuer: string,
): ClientAuthenticator {
  const { clientId } = authentication;
  switch (authentication.method) {
    case 'client_secret_basic':
      return always({ headers: { authorization: basic(authentication) }, parameters: {} });
    case 'client_secret_post':
      return always(inForm({ client_id: clientId, client_secret: authentication.clientSecret }));
    case 'client_secret_jwt': {
      const key = createSecretKey(Buffer.from(authentication.clientSecret));
      return signedAssertion({ clientId, issuer, key, header: { alg: authentication.algorithm } });
    }
    case 'private_key_jwt':
      return privateKeyJwt(authentication, issuer);
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
    case 'none':
      // By TLS, the certificate of the connection is the proof; client_id says whose (RFC 8705 §2).
      return always(inForm({ client_id: clientId }));
  }
}

/** Whether a method proves the client by the certificate of the connection. */
export function isTlsMethod({ method }: ClientAuthentication): boolean {
  return method === 'tls_client_auth' || method === 'self_signed_tls_client_auth';
}

function always(proof: ClientProof): ClientAuthenticator {
  return () => proof;
}

function inForm(parameters: Readonly<Record<string, string>>): ClientProof {
  return { headers: {}, parameters };
}

/** Id and secret are form-encoded before they are joined (RFC 6749 §2.3.1, appendix B). */
function basic({ clientId, clientSecret }: ClientSecretAuthentication): string {
  const credentials = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function privateKeyJwt(
  { clientId, key, algorithm, keyId }: PrivateKeyJwtAuthentication,
  issuer: string,
): ClientAuthenticator {
  const kid = keyId ?? (isJwk(key) ? key.kid : undefined);
  // Stryker disable next-line ConditionalExpression: in JSON a kid that is undefined is none
  const header = { alg: algorithm, ...(kid === undefined ? {} : { kid }) };
  return signedAssertion({ clientId, issuer, key: readPrivateKey(key), header });
}

interface AssertionSettings {
  readonly clientId: string;
  readonly issuer: string;
  readonly key: KeyObject | CryptoKey;
  readonly header: { readonly alg: string; readonly kid?: string };
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ASSERTION_LIFETIME_SECONDS = 60;

/** A new assertion for each call: it is used once. @see RFC 7523 §3, OpenID Connect Core §9 */
function signedAssertion({ clientId, issuer, key, header }: AssertionSettings): ClientAuthenticator {
  return async () => {
    const now = Math.floor(Date.now() / 1000);
    const assertion = await new SignJWT()
      .setProtectedHeader({ ...header, typ: 'JWT' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + ASSERTION_LIFETIME_SECONDS)
      .sign(key);
    return inForm({ client_id: clientId, client_assertion_type: JWT_BEARER, client_assertion: assertion });
  };
}

/** Reads a private key. @throws TypeError when it is none */
export function readPrivateKey(key: PrivateKeyJwtAuthentication['key']): KeyObject | CryptoKey {
  if (typeof key === 'string') return createPrivateKey(key);
  if (isJwk(key)) return createPrivateKey({ key: key as never, format: 'jwk' });
  if (key.type !== 'private') throw new TypeError('not a private key');
  return key;
}

function isJwk(key: PrivateKeyJwtAuthentication['key']): key is JWK {
  return typeof key === 'object' && 'kty' in key;
}
