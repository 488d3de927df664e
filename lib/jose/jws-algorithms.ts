import type { JwsAlgorithm } from '../cert-bound-auth.options.js';

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
