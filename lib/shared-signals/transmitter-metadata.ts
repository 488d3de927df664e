import type { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import { RefreshedValue, type RefreshRules } from '../authorization-server/refreshed-value.js';
import { fetchDocument } from '../authorization-server/server-metadata.js';
import type { JsonObject } from '../jose/json-object.js';

/** What a transmitter says of itself. @see SSF 1.0 §7.1 */
export class TransmitterMetadata {
  private readonly document: RefreshedValue<JsonObject>;

  constructor(
    private readonly issuer: string,
    http: AuthorizationServerHttp,
    rules: RefreshRules,
  ) {
    const fetch = async (): Promise<JsonObject> => {
      const url = ssfConfigurationUrl(issuer);
      const found = await fetchDocument(url, issuer, http);
      if (found instanceof Error) throw invalidAnswer('metadata', found.message);
      return found;
    };
    this.document = new RefreshedValue(`metadata of the transmitter ${issuer}`, fetch, rules);
  }

  /** Where its keys are. @throws OAuthError 503 */
  async jwksUri(): Promise<string> {
    const { jwks_uri: url } = await this.document.get();
    if (typeof url === 'string' && url !== '') return url;
    throw invalidAnswer(`the metadata of ${this.issuer}`, 'it has no jwks_uri; give jwksUri in the options');
  }

  /** Members of complex subjects that must not be ignored. @throws OAuthError 503 */
  async criticalMembers(): Promise<ReadonlySet<string>> {
    const { critical_subject_members: members } = await this.document.get();
    return new Set(Array.isArray(members) ? members.filter((each) => typeof each === 'string') : []);
  }
}

/** The well-known path goes between the host and the issuer's own path, without a slash at its end (SSF 1.0 §7.2.1). */
export function ssfConfigurationUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/ssf-configuration${pathname.replace(/\/$/, '')}`;
}
