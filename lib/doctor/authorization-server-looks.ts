import type { AuthorizationServerRules } from '../access-token/authorization-server-rules.js';
import { AuthorizationServerHttp } from '../authorization-server/authorization-server-http.js';
import {
  oauthMetadataUrl,
  openidConfigurationUrl,
  ServerMetadataSource,
} from '../authorization-server/server-metadata.js';
import { isTlsMethod } from '../introspection/client-authentication.js';
import { introspectionEndpoint } from '../introspection/introspection-endpoint.js';
import type { RemoteIntrospectionSource } from '../introspection/introspection-rules.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { pemText } from '../tls/pem.js';
import { ask } from './ask.js';
import { seeClock } from './clock-look.js';
import { notChecked, problem, type Seen } from './finding.js';
import {
  clientIdOf,
  seeIntrospection,
  seeIntrospectionAudience,
  seeIntrospectionTls,
} from './introspection-looks.js';
import { seeKeys } from './key-looks.js';
import { type Documents, fetchDocuments, seeBinding, seeMetadata } from './server-metadata-looks.js';
import { seeTls } from './see-tls.js';
import type { LookToTake } from './take-looks.js';

/** What is looked at of one server, and what ends it. */
export interface ServerLooks {
  readonly looks: readonly LookToTake[];
  close(): Promise<void>;
}

/** What is to be looked at of an authorization server. @param token of a client, where there is one */
export function authorizationServerLooks(
  rules: AuthorizationServerRules,
  options: Pick<ResolvedOptions, 'dpop' | 'clockTolerance'>,
  token: string | undefined,
): ServerLooks {
  const { issuer } = rules;
  const http = new AuthorizationServerHttp(issuer, rules.http);
  const metadata = new ServerMetadataSource(issuer, http, rules.keyCache);
  // Whoever waits for it gets the same error: it is nobody's own.
  const documents = fetchDocuments(issuer, http);
  documents.catch(() => undefined);
  const at = (look: LookToTake['look'], take: LookToTake['take']): LookToTake => ({
    subject: issuer,
    look,
    take,
  });
  const looks = [
    at('server_tls', async (signal) => seeServerTls(rules, signal)),
    at('metadata', async () => seeMetadata(await documents, rules)),
    at('keys', async () => seeKeys(rules, http, metadata)),
    at('token_binding', async () => whereKnown(documents, (known) => seeBinding(known, rules, options))),
    at('clock', async (signal) =>
      whereKnown(documents, async (known) => seeServerClock(rules, known, options.clockTolerance, signal)),
    ),
    ...introspectionLooks(rules, metadata, token).map(({ look, take }) => at(look, take)),
  ];
  return { looks, close: async () => http.close() };
}

type Looked = Seen | readonly Seen[];

/** What keeps the documents away is told once, where they are looked at. */
async function whereKnown(
  documents: Promise<Documents>,
  see: (known: Documents) => Looked | Promise<Looked>,
): Promise<Looked> {
  const known = await documents.catch(() => undefined);
  return known === undefined ? notChecked('its metadata cannot be had') : see(known);
}

function introspectionLooks(
  rules: AuthorizationServerRules,
  metadata: ServerMetadataSource,
  token: string | undefined,
): readonly Pick<LookToTake, 'look' | 'take'>[] {
  const source = rules.introspection?.source;
  if (source?.kind !== 'remote') return [];
  const clientId = clientIdOf(source);
  return [
    { look: 'introspection', take: async () => seeIntrospection(rules, clientId) },
    ...tlsLooks(rules, source, metadata),
    {
      look: 'introspection_audience',
      take: async () =>
        token === undefined
          ? notChecked('whether aud must name the client is seen by a token alone: give one by --token-file')
          : seeIntrospectionAudience(rules, clientId, token),
    },
  ];
}

function tlsLooks(
  rules: AuthorizationServerRules,
  source: RemoteIntrospectionSource,
  metadata: ServerMetadataSource,
): readonly Pick<LookToTake, 'look' | 'take'>[] {
  if (!isTlsMethod(source.clientAuthentication)) return [];
  return [
    {
      look: 'introspection_tls',
      take: async (signal) =>
        seeIntrospectionTls(rules, await introspectionEndpoint(source, metadata), signal),
    },
  ];
}

async function seeServerTls(
  { issuer, http }: AuthorizationServerRules,
  signal: AbortSignal,
): Promise<Seen | readonly Seen[]> {
  const url = new URL(issuer);
  if (http.proxy !== undefined) return notChecked('it is called through a proxy');
  if (url.protocol === 'http:')
    return problem(
      'it is called without TLS',
      'That is for development on this machine alone: serve it by https:.',
    );
  return seeTls(url, { ca: http.tls.ca as never, caOption: 'tls.ca of the server (--ca)', signal });
}

/** By whichever document there is: only its date counts. */
async function seeServerClock(
  { issuer, http }: AuthorizationServerRules,
  { oauth }: Documents,
  tolerance: number,
  signal: AbortSignal,
): Promise<Seen> {
  if (http.proxy !== undefined) return notChecked('it is called through a proxy');
  const url = oauth instanceof Error ? openidConfigurationUrl(issuer) : oauthMetadataUrl(issuer);
  const ca = http.tls.ca === undefined ? undefined : pemText(http.tls.ca);
  return seeClock(await ask(new URL(url), { ca, client: undefined, signal }), tolerance);
}
