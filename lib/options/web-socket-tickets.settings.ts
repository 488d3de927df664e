import type { WebSocketTicketOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { isJsonObject } from '../jose/json-object.js';
import { Declares } from './declared-options.js';
import { Given, IsNumberFrom, isFunction, Satisfies } from './option-checks.js';

/** How tickets for WebSockets are made. */
export type WebSocketTicketSettings = SettingsOf<WebSocketTicketOptions, 'store'>;

@Declares<WebSocketTicketOptions>()
export class CheckedWebSocketTicketOptions implements WebSocketTicketSettings {
  @Given() @IsNumberFrom(1, 300, 'seconds') readonly lifetime: number = 30;

  @Given()
  @Satisfies(
    'ticketStore',
    'give an object with put(key, value, ttlSeconds) and take(key)',
    (value) => isJsonObject(value) && isFunction(value['put']) && isFunction(value['take']),
  )
  readonly store: WebSocketTicketSettings['store'];
}
