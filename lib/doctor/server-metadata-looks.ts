import {
  fetchDocument,
  oauthMetadataUrl,
  openidConfigurationUrl,
  type UnusableDocument,
} from '../authorization-server/server-metadata.js';
import type { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import type { AuthorizationServerRules } from '../access-token/authorization-server-rules.js';
import { quoted, quotedList } from '../common/quoted.js';
import { REMEDIES } from '../explain/remedies.js';
import type { JsonObject } from '../jose/json-object.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { note, notChecked, ok, problem, type Seen } from './finding.js';

/** The two documents in which a server may describe itself. */
export interface Documents {
  readonly oauth: JsonObject | UnusableDocument;
  readonly openid: JsonObject | UnusableDocument;
}

/** Fetches both, though an API asks for the second only what the first does not say. @throws OAuthError 503 */
export async function fetchDocuments(issuer: string, http: AuthorizationServerHttp): Promise<Documents> {
  const [oauth, openid] = await Promise.all([
    fetchDocument(oauthMetadataUrl(issuer), issuer, http),
    fetchDocument(openidConfigurationUrl(issuer), issuer, http),
  ]);
  return { oauth, openid };
}

/** The document that counts, and its name. */
function firstOf({
  oauth,
  openid,
}: Documents): { readonly name: string; readonly members: JsonObject } | undefined {
  if (!(oauth instanceof Error)) return { name: 'RFC 8414 (oauth-authorization-server)', members: oauth };
  if (!(openid instanceof Error)) return { name: 'OpenID Connect Discovery', members: openid };
  return undefined;
}

/** Which document answers, and whether it is of this issuer. */
export function seeMetadata(documents: Documents, { issuer, keys }: AuthorizationServerRules): Seen {
  const first = firstOf(documents);
  if (first !== undefined) return ok(`${first.name} answers, and its issuer is equal`);
  const answers = [documents.oauth, documents.openid] as readonly UnusableDocument[];
  const found = answers.map(({ message }) => message).join('; ');
  const named = answers.map((each) => each.issuer).find((each) => typeof each === 'string');
  if (typeof named === 'string') return problem(found, issuerRemedy(named, issuer));
  return keys.kind === 'discovered'
    ? problem(found, REMEDIES.authorization_server_answer_invalid)
    : note(found, 'Nothing, as long as the options name all that is needed.');
}

function issuerRemedy(named: string, issuer: string): string {
  const isSlash = named.replace(/\/$/, '') === issuer.replace(/\/$/, '');
  const why = isSlash
    ? 'It differs by the slash at its end alone, and that counts.'
    : 'If that is your server, it is known by that name.';
  return `${why} Set issuer to ${quoted(named)}: tokens have it as iss.`;
}

/** Whether the server says that it binds tokens, and by what. */
export function seeBinding(
  documents: Documents,
  rules: AuthorizationServerRules,
  { dpop }: Pick<ResolvedOptions, 'dpop'>,
): readonly Seen[] {
  const members = firstOf(documents)?.members;
  if (members === undefined) return [notChecked('there is no metadata')];
  const byCertificate = members['tls_client_certificate_bound_access_tokens'] === true;
  const algorithms = members['dpop_signing_alg_values_supported'];
  const offered = Array.isArray(algorithms) ? algorithms : [];
  return [
    seeMethods(byCertificate, offered, rules),
    ...(dpop === undefined ? [] : seeProofAlgorithms(offered, dpop.algorithms)),
  ];
}

function seeMethods(
  byCertificate: boolean,
  offered: readonly unknown[],
  { binding }: AuthorizationServerRules,
): Seen {
  const methods = [
    ...(byCertificate ? ['by certificate (tls_client_certificate_bound_access_tokens)'] : []),
    ...(offered.length > 0 ? [`by DPoP (${quotedList(offered)})`] : []),
  ];
  if (methods.length > 0) return ok(`it binds tokens ${methods.join(' and ')}`);
  const found = 'its metadata says neither that it binds tokens to certificates nor that it knows DPoP';
  return binding === 'required'
    ? problem(found, REMEDIES.confirmation_missing)
    : note(found, REMEDIES.confirmation_missing);
}

function seeProofAlgorithms(offered: readonly unknown[], accepted: readonly string[]): readonly Seen[] {
  if (offered.length === 0)
    return [
      note('dpop is configured, and the server does not say that it knows DPoP', 'Look at the server.'),
    ];
  if (accepted.some((algorithm) => offered.includes(algorithm))) return [];
  return [
    problem(
      `no proof can be signed for both: the server takes ${quotedList(offered)}, and dpop.algorithms ${quotedList(accepted)}`,
      'Set dpop.algorithms to what clients use.',
    ),
  ];
}
