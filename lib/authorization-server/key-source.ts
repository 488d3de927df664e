import type { JSONWebKeySet } from 'jose';
import type { JwtOptions } from '../cert-bound-auth.options.js';
import { bytesOf } from '../jose/shared-secret.js';

/** Where the keys of a server come from. */
export type KeySource =
  | { readonly kind: 'discovered' }
  | { readonly kind: 'jwks-uri'; readonly url: string }
  | { readonly kind: 'fixed'; readonly jwks: JSONWebKeySet }
  | { readonly kind: 'secret'; readonly secret: Uint8Array };

/** The options that say where keys come from: at most one of them is given. */
export type KeySettings = { readonly [Name in 'jwks' | 'jwksUri' | 'secret']: JwtOptions[Name] | undefined };

/** Where the keys of a server come from, by its options: its metadata says it unless they do. */
export function keySourceOf({ jwks, jwksUri, secret }: KeySettings): KeySource {
  if (secret !== undefined) return { kind: 'secret', secret: bytesOf(secret) };
  if (jwks !== undefined) return { kind: 'fixed', jwks };
  return jwksUri === undefined ? { kind: 'discovered' } : { kind: 'jwks-uri', url: jwksUri };
}
