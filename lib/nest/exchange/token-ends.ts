import type { RevocationList } from '../../revocation/revocation-list.js';
import { OpenResponses } from './open-responses.js';
import { RevocationWatch } from './token-end.js';

/** What of an app ends with its tokens: one for all of its policies, as a connection may serve routes of several. */
export class TokenEnds {
  /** `undefined` where they may go on. */
  readonly responses: OpenResponses | undefined;
  readonly revocations = new RevocationWatch();

  /**
   * @param streams whether responses may outlive the token that they were accepted with
   * @param list what has been revoked before its time
   */
  constructor(streams: 'end-at-expiry' | 'keep', list: RevocationList | undefined) {
    this.responses = streams === 'keep' ? undefined : new OpenResponses();
    if (this.responses !== undefined) list?.onChange(() => this.revocations.lookSoon());
  }
}
