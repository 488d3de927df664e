import { IsIn } from './class-validator.js';
import type { InteractionIdOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { Declares } from './declared-options.js';

/** What becomes of requests without a right interaction id. */
export type InteractionIdSettings = SettingsOf<InteractionIdOptions>;

const EITHER = "use 'generate' or 'refuse'";

@Declares<InteractionIdOptions>()
export class CheckedInteractionIdOptions implements InteractionIdSettings {
  @IsIn(['generate', 'refuse'], { message: EITHER })
  readonly missing!: InteractionIdOptions['missing'];

  @IsIn(['generate', 'refuse'], { message: EITHER })
  readonly invalid!: InteractionIdOptions['invalid'];
}
