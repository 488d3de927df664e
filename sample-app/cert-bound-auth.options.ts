import { type CertBoundAuthOptions, MemoryReplayStore } from 'nestjs-cert-bound-auth';
import type { Settings } from './settings.js';

/** Whose tokens the API accepts, and what they may be bound to: a certificate, or a key that DPoP proves. */
export function certBoundAuthOptions({
  publicUrl,
  issuer,
  tls,
  clientId,
  clientSecret,
  nonceSecret,
}: Omit<Settings, 'host' | 'port'>): CertBoundAuthOptions {
  return {
    audience: 'https://api.bank.example',
    authorizationServers: [
      {
        issuer,
        tls: { ca: tls.ca },
        introspection: {
          clientAuthentication: { method: 'client_secret_basic', clientId, clientSecret },
        },
      },
    ],
    // The page that describes the API, and the document behind it.
    publicPaths: ['/docs/*', '/docs-json'],
    dpop: {
      publicUrl,
      // The algorithms of FAPI 2.0.
      algorithms: ['ES256', 'PS256', 'EdDSA', 'Ed25519'],
      // So that nobody can make proofs today for tomorrow.
      nonce: 'required',
      nonceSecret,
      // This sample is one process. Several share a RedisReplayStore.
      replayStore: new MemoryReplayStore(),
    },
  };
}
