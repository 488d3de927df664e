import { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import type { AuthorizationServerHttpSettings } from '../authorization-server/http-settings.js';
import { refreshRulesOf } from '../authorization-server/refreshed-value.js';
import { ServerMetadataSource } from '../authorization-server/server-metadata.js';
import { RemoteSigningKeys, type SigningKeys } from '../authorization-server/signing-keys.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import { KEY_CACHE } from './key-cache.js';
import { type LogoutRules, verifyLogoutToken } from './logout-token.js';
import type { UnverifiedSet } from './security-event-token.js';
import { signalEntries } from './signal-entries.js';

/** What the logout tokens of one provider are decided by. */
export interface LogoutProviderRules extends Omit<LogoutRules, 'clockTolerance'> {
  /** `undefined`: where its metadata says. */
  readonly jwksUri: string | undefined;
  readonly http: AuthorizationServerHttpSettings;
}

/** An OpenID provider that tells of sessions that have ended. */
export class LogoutProvider {
  private readonly http: AuthorizationServerHttp;
  private readonly keys: SigningKeys;

  constructor(
    readonly rules: LogoutProviderRules,
    private readonly list: RevocationList,
  ) {
    const { issuer, jwksUri } = rules;
    const refresh = refreshRulesOf(KEY_CACHE);
    this.http = new AuthorizationServerHttp(issuer, rules.http);
    const metadata = new ServerMetadataSource(issuer, this.http, refresh);
    const keysAt = jwksUri === undefined ? async () => metadata.find('jwksUri') : () => jwksUri;
    this.keys = new RemoteSigningKeys(`keys of the provider ${issuer}`, this.http, keysAt, refresh);
  }

  /**
   * Refuses the tokens of the session that has ended.
   * @throws SetError where the token is not accepted; any other error where nothing is certain
   */
  async receive(token: UnverifiedSet): Promise<void> {
    const { clockTolerance, maxTokenLifetime } = this.list.settings;
    const { issuer } = this.rules;
    const verified = await verifyLogoutToken(token, { ...this.rules, clockTolerance }, this.keys);
    const { subject, sessionId, issuedAt } = verified;
    const tokens = {
      issuer,
      ...(subject === undefined ? {} : { subject }),
      ...(sessionId === undefined ? {} : { sessionId }),
    };
    const times = { happenedAt: issuedAt, now: Date.now() / 1000, maxTokenLifetime };
    await this.list.revoke(signalEntries({ kind: 'end-session' }, [tokens], times));
  }

  /** Ends the connections to it. */
  async close(): Promise<void> {
    await this.http.close();
  }
}
