import type { Comparison, Scenario, VerificationContestant } from '../comparison.js';
import type { VerificationSettings } from '../processes/verification.js';
import type { Algorithm } from '../world/issuer-key.js';
import { AUDIENCE, type CredentialsFile, ISSUER } from '../world/world.js';
import { tokensInAll } from './known-tokens.js';
import {
  bothPlatforms,
  eachOnce,
  guarded,
  onceNeeded,
  peers,
  type Setting,
  WARM_UP_ROUNDS,
} from './line-up.js';

/** A JWT that was never seen before, in each request. */
export function newToken(setting: Setting, algorithm: Algorithm): Scenario {
  const name = `new-jwt-${algorithm.toLowerCase()}`;
  async function* comparisons(): AsyncGenerator<Comparison> {
    const { world, options } = setting;
    const credentials = await world.tokens(algorithm, tokensInAll(setting));
    const load = eachOnce(setting, credentials);
    yield {
      contestants: [
        ...bothPlatforms(setting, load, { instance: name }),
        ...guarded(setting, load, 'jwt-verify-guard'),
        ...peers(setting, load),
        verification(setting, 'jose.jwtVerify', credentials, world.keys[algorithm].jwk),
      ],
      repeats: options,
    };
  }
  return { name, title: `A new JWT in each request (${algorithm})`, comparisons };
}

/** A new DPoP proof in each request, with the same token. */
export function dpopRequest(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const { world, options } = setting;
    const credentials = await world.proofs(onceNeeded(options));
    const load = eachOnce(setting, credentials);
    yield {
      contestants: [
        ...bothPlatforms(setting, load, { instance: 'dpop', dpop: true }),
        ...guarded(setting, load, 'signature-guard'),
        verification(setting, 'crypto.verify', credentials, world.proofKey),
      ],
      repeats: options,
    };
  }
  return { name: 'dpop', title: 'A DPoP proof in each request (ES256), the token seen before', comparisons };
}

function verification(
  { options: { requests } }: Setting,
  by: VerificationSettings['by'],
  { file }: CredentialsFile,
  jwk: VerificationSettings['jwk'],
): VerificationContestant {
  return {
    kind: 'verification',
    id: by,
    label: `${by} alone`,
    settings: { by, credentials: file, jwk, issuer: ISSUER, audience: AUDIENCE },
    warmUp: requests * WARM_UP_ROUNDS,
    count: requests,
  };
}
