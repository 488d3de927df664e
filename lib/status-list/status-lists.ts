import { LRUCache } from 'lru-cache';
import {
  type AuthorizationServerHttp,
  isAllowedUrl,
} from '../authorization-server/authorization-server-http.js';
import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import {
  RefreshedValue,
  type RefreshHealth,
  type RefreshRules,
} from '../authorization-server/refreshed-value.js';
import type { SigningKeys } from '../authorization-server/signing-keys.js';
import { invalidToken } from '../challenge/oauth-error.js';
import { andThenWith, type MaybePromise } from '../common/maybe-promise.js';
import { quoted, quotedList } from '../common/quoted.js';
import { requireValid, type StatusList } from './status-list.js';
import type { StatusListRules } from './status-list-rules.js';
import { readStatusListToken, STATUS_LIST_MEDIA_TYPE } from './status-list-token.js';
import type { StatusReference } from './status-reference.js';

/** Lists of one server that are held at the same time. */
const MOST_LISTS = 64;
const LONGEST_URI = 2_048;

/** The status lists of one authorization server: fetched when a token names them, and again before they are too old. */
export class StatusLists {
  private readonly lists = new LRUCache<string, RefreshedValue<StatusList>>({ max: MOST_LISTS });

  constructor(
    private readonly rules: StatusListRules,
    private readonly http: AuthorizationServerHttp,
    private readonly keys: SigningKeys,
    private readonly allowLoopbackHttp: boolean,
  ) {}

  /** @throws OAuthError 401 for a list at a place that this API does not call */
  requireAllowed({ uri }: StatusReference): void {
    const { origins } = this.rules;
    if (
      uri.length <= LONGEST_URI &&
      isAllowedUrl(uri, this.allowLoopbackHttp) &&
      origins.has(new URL(uri).origin)
    ) {
      return;
    }
    throw invalidToken('status_unsupported', {
      detail: `status.status_list: uri is ${quoted(uri)}, and lists are fetched by https: from ${quotedList(origins)} only (statusList.origins)`,
    });
  }

  /**
   * Looks the status of a token up: at once, where its list is known.
   * @throws OAuthError 401 where it is not valid; 503 where its list can't be had
   */
  check({ uri, index }: StatusReference): MaybePromise<void> {
    return andThenWith(this.listAt(uri).get(), requireValid, index);
  }

  /** How each list is doing that is held. */
  health(): readonly RefreshHealth[] {
    return [...this.lists.values()].map((list) => list.health());
  }

  private listAt(uri: string): RefreshedValue<StatusList> {
    const known = this.lists.get(uri);
    if (known !== undefined) return known;
    const list = new RefreshedValue<StatusList>(
      `status list ${uri}`,
      async (previous) => this.fetch(uri, previous),
      ({ limits }) => refreshRulesFor(limits, this.rules),
    );
    this.lists.set(uri, list);
    return list;
  }

  private async fetch(uri: string, previous: StatusList | undefined): Promise<StatusList> {
    const { status, contentType, body } = await this.http.call(uri, {
      method: 'GET',
      purpose: 'status-list',
      headers: { accept: STATUS_LIST_MEDIA_TYPE },
    });
    if (status !== 200 || contentType !== STATUS_LIST_MEDIA_TYPE) {
      throw invalidAnswer(
        `GET ${uri}`,
        `status ${status}, media type ${quoted(contentType)}, no status list`,
      );
    }
    const list = await readStatusListToken(body, uri, this.rules, this.keys);
    // Whoever serves an old one again would make tokens valid that are revoked.
    if (previous !== undefined && list.issuedAt < previous.issuedAt) {
      throw invalidAnswer(`the status list ${uri}`, 'it is older than the one before');
    }
    return list;
  }
}

/** Seconds: one that is to be fetched anew all the time is used for as long as that. */
const SHORTEST_TTL = 1;

/** What a list says of its time shortens what the options say, and never prolongs it. */
function refreshRulesFor(
  { ttl, untilExpiry }: StatusList['limits'],
  { maxAge, staleIfError }: StatusListRules,
): RefreshRules {
  const lifetime = Math.min(maxAge, Math.max(ttl, SHORTEST_TTL), untilExpiry);
  return {
    refreshAfter: lifetime / 2,
    maxAge: lifetime,
    staleIfError: Math.min(staleIfError, untilExpiry - lifetime),
  };
}
