import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { type Members, membersOf } from './verdict.js';

/** What a server has answered. */
export interface Served {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * Where the keys are, if this is metadata of the issuer (RFC 8414 §3.2, §3.3): 200, a JSON object, the same `issuer`.
 * @returns `undefined` where it must not be used
 */
export function keysUrlIn(served: Served, issuer: string): string | undefined {
  const document = documentIn(served);
  const url = document?.get('issuer') === issuer ? document.get('jwks_uri') : undefined;
  return typeof url === 'string' ? url : undefined;
}

/** Whether a JWK Set has this key, for signatures, as a public one (RFC 7517 §4, §5). */
export function hasKey(served: Served, wanted: JsonWebKey, kid: string): boolean {
  const keys = documentIn(served)?.get('keys');
  return Array.isArray(keys) && keys.some((key) => isKey(membersOf(key), wanted, kid));
}

function isKey(key: Members | undefined, wanted: JsonWebKey, kid: string): boolean {
  if (key === undefined || key.has('d') || (key.get('kid') ?? kid) !== kid) return false;
  if ((key.get('use') ?? 'sig') !== 'sig') return false;
  try {
    const exported = createPublicKey({ key: Object.fromEntries(key) as JsonWebKey, format: 'jwk' });
    return JSON.stringify(exported.export({ format: 'jwk' })) === JSON.stringify(wanted);
  } catch {
    return false;
  }
}

/** What an introspection endpoint says (RFC 7662 §2.2). */
export function isActive(served: Served): boolean {
  return documentIn(served)?.get('active') === true;
}

function documentIn({ status, body }: Served): Members | undefined {
  if (status !== 200) return undefined;
  try {
    return membersOf(JSON.parse(body.toString().replace(/^\ufeff/, '')));
  } catch {
    return undefined;
  }
}
