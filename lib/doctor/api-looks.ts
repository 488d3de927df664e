import { X509Certificate } from 'node:crypto';
import type { Api } from './api.js';
import { ask, type Asked } from './ask.js';
import { seeBackend } from './backend-look.js';
import { callApi, challengeOf } from './call-api.js';
import { certificateRequestOf } from './certificate-request.js';
import { seeChallenge } from './challenge-look.js';
import { seeOwn, seeRequest } from './client-certificate-look.js';
import { seeClock } from './clock-look.js';
import { notChecked, type Seen } from './finding.js';
import { seeForgedHeader } from './forged-header-look.js';
import { thief } from './other-client.js';
import { seePublicUrl } from './public-url-look.js';
import { seeResourceMetadata } from './resource-metadata-look.js';
import { seeTls } from './see-tls.js';
import type { LookToTake } from './take-looks.js';
import { seeDpop, seeStolenToken, seeToken } from './token-looks.js';

/** Seconds: what this library forgives clocks by default. */
const CLOCK_TOLERANCE = 5;

const ASK_FOR_CERTIFICATES =
  'Use mutualTls({ key, cert, ca }) for its server. Behind a proxy, the proxy must ask: set clientCertificate to forwardedBy.… of it. With DPoP alone, that is as it should be.';

/** What is to be looked at of an API. @param timeout milliseconds for what several looks share */
export function apiLooks(api: Api, timeout: number): readonly LookToTake[] {
  const { url, ca, client } = api;
  const at = (look: LookToTake['look'], take: LookToTake['take']): LookToTake => ({
    subject: url.href,
    look,
    take,
  });
  const unauthenticated = ask(url, { ca, client, signal: AbortSignal.timeout(timeout) });
  return [
    ...tlsLooks(api).map(({ look, take }) => at(look, take)),
    at('api_clock', async () => seeClock(await unauthenticated, CLOCK_TOLERANCE)),
    at('challenge', async () => seeChallenge(await unauthenticated, client !== undefined)),
    at('resource_metadata', async (signal) => seeResourceMetadata(api, await unauthenticated, signal)),
    ...publicUrlLooks(api).map(({ look, take }) => at(look, take)),
    ...tokenLooks(api, unauthenticated, timeout).map(({ look, take }) => at(look, take)),
  ];
}

type Unplaced = Pick<LookToTake, 'look' | 'take'>;

const NO_TOKEN = notChecked('whether tokens are bound is seen by a token alone: give one by --token-file');

function tlsLooks({ url, ca, client }: Api): readonly Unplaced[] {
  const own = client === undefined ? undefined : new X509Certificate(client.cert);
  if (url.protocol === 'http:') return [];
  return [
    { look: 'api_tls', take: async (signal) => seeTls(url, { ca, caOption: '--ca', signal }) },
    ...(own === undefined ? [] : [{ look: 'client_certificate', take: async () => seeOwn(own) } as const]),
    {
      look: 'certificate_request',
      take: async (signal) => seeRequest(own, await certificateRequestOf(url, signal), ASK_FOR_CERTIFICATES),
    },
  ];
}

function publicUrlLooks({ url, configured }: Api): readonly Unplaced[] {
  const publicUrls = configured?.publicUrls;
  return publicUrls === undefined
    ? []
    : [{ look: 'public_url', take: async () => seePublicUrl(url, publicUrls) }];
}

/** What is seen by a token alone. */
function tokenLooks(api: Api, unauthenticated: Promise<Asked>, timeout: number): readonly Unplaced[] {
  const { client, token, dpopKey: key, other } = api;
  if (token === undefined) {
    return [
      { look: 'token', take: async () => NO_TOKEN },
      ...backendLooks(api, async (where, signal) => seeBackend(api, where, undefined, undefined, signal)),
    ];
  }
  const owner = callApi(api, { client, token, key, signal: AbortSignal.timeout(timeout) });
  // Who is given can do more than who is made up.
  const stranger = other === undefined ? thief() : Promise.resolve(other);
  return [
    { look: 'token', take: async () => seeToken(await owner) },
    {
      look: 'stolen_token',
      take: async (signal) => seeStolenToken(api, token, await owner, await stranger, signal),
    },
    {
      look: 'dpop',
      take: async (signal) => seeDpopWhereOffered(api, await unauthenticated, await owner, signal),
    },
    {
      look: 'forged_header',
      take: async (signal) => seeForgedHeader(api, await owner, await stranger, signal),
    },
    ...backendLooks(api, async (where, signal) =>
      seeBackend(api, where, await owner, await stranger, signal),
    ),
  ];
}

function backendLooks(
  { backend }: Api,
  see: (where: URL, signal: AbortSignal) => Promise<readonly Seen[]>,
): readonly Unplaced[] {
  return backend === undefined ? [] : [{ look: 'backend', take: async (signal) => see(backend, signal) }];
}

async function seeDpopWhereOffered(
  api: Api,
  unauthenticated: Asked,
  owner: Asked,
  signal: AbortSignal,
): Promise<Seen | readonly Seen[]> {
  const isOffered = /(?:^|, *)DPoP /i.test(challengeOf(unauthenticated));
  return isOffered || api.dpopKey !== undefined ? seeDpop(api, owner, signal) : [];
}
