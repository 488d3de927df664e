import { createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { withoutStackTrace } from '../common/without-stack-trace.js';

/**
 * Imports a public key whose form has been looked at already. To try what a key is, Node makes errors of its own and catches
 * them: on Node 24 their stack traces are a third to two thirds of what an import costs.
 * @throws TypeError, or an error of OpenSSL, as where a point is none of its curve
 * @see RFC 7517
 */
export function importPublicKey(jwk: JWK): KeyObject {
  return withoutStackTrace(() => createPublicKey({ key: jwk as never, format: 'jwk' }));
}
