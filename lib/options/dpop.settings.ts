import { ArrayNotEmpty, IsArray, IsIn } from './class-validator.js';
import type { DpopAlgorithm, DpopOptions } from '../cert-bound-auth.options.js';
import type { DpopSettings } from '../dpop/dpop-rules.js';
import { siblingProcesses } from '../dpop/sibling-processes.js';
import { normalizeBase } from '../dpop/target-uri.js';
import { isJsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { Declares } from './declared-options.js';
import {
  Given,
  IsNumberFrom,
  IsSeconds,
  IsSecret,
  isFunction,
  isTextOrTexts,
  Satisfies,
} from './option-checks.js';

/** Every algorithm that a DPoP proof may be signed with, and by default is accepted. */
export const DPOP_ALGORITHMS: readonly DpopAlgorithm[] = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'EdDSA',
  'Ed25519',
];

const PUBLIC_URL = `give the origin that clients see, as 'https://api.example.com', a list of such, or a function`;

@Declares<DpopOptions>()
export class CheckedDpopOptions implements DpopSettings {
  @Satisfies('publicUrl', PUBLIC_URL, (value) => isFunction(value) || isTextOrTexts(value))
  readonly publicUrl!: DpopSettings['publicUrl'];

  @Given()
  @IsArray({ message: `give a list of ${DPOP_ALGORITHMS.join(', ')}` })
  @ArrayNotEmpty({ message: `give at least one of ${DPOP_ALGORITHMS.join(', ')}` })
  @IsIn(DPOP_ALGORITHMS, { each: true, message: `accept only ${DPOP_ALGORITHMS.join(', ')}` })
  readonly algorithms: DpopSettings['algorithms'] = DPOP_ALGORITHMS;

  @Given() @IsNumberFrom(1, 3600, 'seconds') readonly proofLifetime: number = 60;
  @Given() @IsSeconds(300) readonly clockSkew: number = 10;
  @Given() @IsNumberFrom(256, 16_384, 'characters') readonly maxProofLength: number = 4096;

  @Given()
  @IsIn(['off', 'required', 'instead-of-iat'], { message: `use 'off', 'required' or 'instead-of-iat'` })
  readonly nonce: DpopSettings['nonce'] = 'off';

  @Given() @IsSecret() readonly nonceSecret: DpopSettings['nonceSecret'];
  @Given() @IsNumberFrom(2, 86_400, 'seconds') readonly nonceLifetime: number = 300;

  @Given()
  @Satisfies('replayStore', 'give an object with addIfAbsent(key, ttlSeconds)', isReplayStore)
  readonly replayStore: DpopSettings['replayStore'];
}

function isReplayStore(value: unknown): boolean {
  return isJsonObject(value) && isFunction(value['addIfAbsent']);
}

/** Checks the URLs that clients see; each option has the right type already. */
export function checkPublicUrl({ publicUrl }: DpopSettings): readonly ConfigurationProblem[] {
  if (typeof publicUrl === 'function') return [];
  const remedy =
    'give the origin, and path prefix if any, that clients see: an https: URL without query, fragment and userinfo';
  return [publicUrl]
    .flat()
    .filter((url) => normalizeBase(url) === undefined)
    .map((url) => problem('dpop.publicUrl', url, remedy));
}

/** Checks that a proof used at one process of this API is known to the others (RFC 9449 §11.1). */
export function checkReplayStore(
  { replayStore }: DpopSettings,
  siblings = siblingProcesses(),
): readonly ConfigurationProblem[] {
  if (replayStore !== undefined || siblings === undefined) return [];
  const remedy = `this process is ${siblings}, and each would accept a proof once: give new RedisReplayStore(client), or run one process, or accept the loss with new MemoryReplayStore()`;
  return [problem('dpop.replayStore', replayStore, remedy)];
}
