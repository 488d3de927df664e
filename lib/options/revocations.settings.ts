import type { RevocationOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { isJsonObject } from '../jose/json-object.js';
import { Declares } from './declared-options.js';
import { Given, IsNumberFrom, isFunction, IsPositiveInt, Satisfies } from './option-checks.js';

/** How much is remembered of what has been revoked. */
export type RevocationSettings = SettingsOf<RevocationOptions, 'store'>;

const DAY = 86_400;
const MOST_DAYS = 366;

@Declares<RevocationOptions>()
export class CheckedRevocationOptions implements RevocationSettings {
  @Given() @IsNumberFrom(1, MOST_DAYS * DAY, 'seconds') readonly maxTokenLifetime: number = DAY;
  @Given() @IsPositiveInt(10_000_000) readonly maxEntries: number = 1_000_000;

  @Given()
  @Satisfies(
    'revocationStore',
    'give new RedisRevocationStore(client), or an object with follow(replica)',
    (value) => isJsonObject(value) && isFunction(value['follow']),
  )
  readonly store: RevocationSettings['store'];
}
