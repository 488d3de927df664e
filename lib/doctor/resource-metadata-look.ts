import { quoted, quotedList } from '../common/quoted.js';
import { parseJsonObject, type JsonObject } from '../jose/json-object.js';
import { metadataUrlOf } from '../protected-resource/metadata-url.js';
import type { Api } from './api.js';
import { ask, type Asked } from './ask.js';
import { challengeOf } from './call-api.js';
import { note, notChecked, ok, problem, type Seen } from './finding.js';

/** What an API tells of itself (RFC 9728): whether it is of this resource, and names the same servers. */
export async function seeResourceMetadata(
  { url, ca, client, configured }: Api,
  unauthenticated: Asked,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  if (unauthenticated.kind !== 'answered') return [notChecked('the API does not answer')];
  const named = /\bresource_metadata="([^"]{1,2000})"/.exec(challengeOf(unauthenticated))?.[1];
  const place = new URL(metadataUrlOf(url.origin));
  if (named === undefined && !isDocument(await ask(place, { ca, client, signal })))
    return [note('it publishes no metadata (RFC 9728)', 'Nothing; or see the option protectedResource.')];
  const target = named ?? place.href;
  if (!URL.canParse(target) || new URL(target).origin !== url.origin)
    return [problem(`its challenge names ${quoted(target)}, which is elsewhere`, PUBLIC_RESOURCE)];
  const answer = await ask(new URL(target), { ca, client, signal });
  const document = documentIn(answer);
  if (document === undefined)
    return [
      problem(
        `${quoted(target)} is no such document`,
        'Look whether a proxy leads this path to the API, and whether a certificate is needed to get it.',
      ),
    ];
  return [seeResource(document, target, url), ...seeServers(document, configured?.issuers)];
}

const PUBLIC_RESOURCE =
  'Set protectedResource.resource to the URL that clients call, and not to one behind a proxy.';

function isDocument(answer: Asked): boolean {
  return documentIn(answer) !== undefined;
}

function documentIn(answer: Asked): JsonObject | undefined {
  return answer.kind === 'answered' && answer.status === 200 ? parseJsonObject(answer.body) : undefined;
}

/** Clients compare the identifier with where they got it from, and with what they call (RFC 9728 §3.3). */
function seeResource(document: JsonObject, target: string, url: URL): Seen {
  const { resource } = document as { readonly resource?: unknown };
  if (typeof resource !== 'string' || !URL.canParse(resource) || metadataUrlOf(resource) !== target)
    return problem(
      `the resource in ${quoted(target)} is ${quoted(resource)}, and belongs elsewhere: clients must refuse it`,
      PUBLIC_RESOURCE,
    );
  const { pathname } = new URL(resource);
  return url.pathname.startsWith(pathname)
    ? ok(`its resource is ${quoted(resource)}`)
    : problem(`its resource ${quoted(resource)} is not above what was called`, PUBLIC_RESOURCE);
}

function seeServers(document: JsonObject, issuers: readonly string[] | undefined): readonly Seen[] {
  const told = document['authorization_servers'];
  const servers: readonly unknown[] = Array.isArray(told) ? told : [];
  if (issuers === undefined) return [note(`its authorization servers are ${quotedList(servers)}`)];
  const missing = issuers.filter((issuer) => !servers.includes(issuer));
  if (missing.length === 0) return [ok(`its authorization servers are ${quotedList(servers)}`)];
  return [
    problem(
      `its authorization servers are ${quotedList(servers)}, without ${quotedList(missing)}`,
      'What runs there has another configuration than the one looked at: deploy it, or look at the right one.',
    ),
  ];
}
