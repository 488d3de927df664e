import { SessionSeal } from './session-seal.js';
import type { SessionSettings } from './session-settings.js';

/** What browsers keep of one cookie at least, with its name and all that it says (RFC 6265 §6.1): of more, some keep nothing. */
export const MOST_BYTES = 4_096;

/** Only over TLS, for no script, and with no request of another site. It ends with the browser, or by the times in it. */
const ATTRIBUTES = '; Path=/; Secure; HttpOnly; SameSite=Strict';

/** What sessions are made and judged by. */
export class SessionRules {
  readonly seal: SessionSeal;

  constructor(readonly settings: SessionSettings) {
    this.seal = new SessionSeal(settings);
  }

  /** A `Set-Cookie` with this value. */
  lineOf(value: string): string {
    return `${this.settings.cookie}=${value}${ATTRIBUTES}`;
  }
}
