import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from '../chain/certificate-fields.js';
import { nameOf } from '../chain/certification-path.js';
import { distributionPointsOf } from '../chain/distribution-points.js';
import { coverageOf, timeProblem } from '../chain/list-problem.js';
import { type SpeakingList, verdictOfLists } from '../chain/lists-verdict.js';
import { allowedUrl } from './allowed-url.js';
import type { AskedCertificate } from './asked-certificate.js';
import type { CertificateStatus } from './certificate-status.js';
import { CLOCK_TOLERANCE_MS } from './clock-tolerance.js';
import type { HeldList } from './held-list.js';
import type { ListFiles } from './list-files.js';
import type { PublishedLists } from './published-lists.js';

/** Where lists are. */
export interface ListSources {
  readonly files: ListFiles;
  readonly published: PublishedLists;
  readonly hosts: readonly string[];
}

/** Distribution points that are asked for one certificate. */
const MOST_POINTS = 4;

/**
 * What the lists say of a certificate: those of the files first, then those that it names itself.
 * @param signers whose own standing is being found out: they cannot vouch for themselves
 */
export async function statusByLists(
  asked: AskedCertificate,
  sources: ListSources,
  signers: readonly X509Certificate[] = [],
): Promise<CertificateStatus> {
  const { certificate, now } = asked;
  const fields = fieldsOf(certificate);
  const points = distributionPointsOf(certificate);
  const problems: string[] = [];
  const speaking: (SpeakingList & { readonly name: string })[] = [];
  const look = async (held: HeldList): Promise<void> => {
    const coverage = coverageOf(held.list, certificate);
    if (coverage === 0) return;
    const unsigned = await signerProblem(held, asked, sources, signers);
    const late = timeProblem(held.list, now, CLOCK_TOLERANCE_MS);
    if (unsigned === undefined)
      speaking.push({ list: held.list, coverage, isCurrent: late === undefined, name: held.name });
    const problem = unsigned ?? late;
    if (problem !== undefined) problems.push(`${held.name}: ${problem}`);
  };
  const status = (): CertificateStatus | undefined => {
    const verdict = verdictOfLists(fields, speaking);
    if (verdict?.kind !== 'revoked')
      return verdict && { kind: 'good', until: verdict.until + CLOCK_TOLERANCE_MS };
    return { kind: 'revoked', detail: `${nameOf(certificate)} is revoked by ${verdict.by.name}` };
  };

  for (const issuer of new Set([fields.issuer, ...points.flatMap(({ issuers }) => issuers)])) {
    // eslint-disable-next-line no-await-in-loop -- the signature of each is verified once
    for (const held of sources.files.of(issuer)) await look(held);
  }
  const byFiles = status();
  if (byFiles !== undefined) return byFiles;

  for (const url of urlsOf(points, sources)) {
    // eslint-disable-next-line no-await-in-loop -- the next one is asked only when this one does not say enough
    const served = await sources.published.get(url, asked);
    // A list that is out of date proves nobody good, but who is on it stays revoked.
    const held = served.kind === 'there' ? served.value : sources.published.knownAt(url, asked);
    if (served.kind === 'missing') problems.push(`${url.href}: ${served.problem}`);
    // eslint-disable-next-line no-await-in-loop -- as above
    if (held !== undefined) await look(held);
    const found = status();
    if (found !== undefined) return found;
  }
  if (problems.length > 0) return { kind: 'unavailable', detail: problems.join('; ') };
  return {
    kind: 'unknown',
    detail:
      speaking.length > 0
        ? `only lists of some reasons are known of the CA of ${nameOf(certificate)}`
        : `no list is known of the CA of ${nameOf(certificate)}, and it names none at a permitted host`,
  };
}

function urlsOf(points: ReturnType<typeof distributionPointsOf>, { hosts }: ListSources): readonly URL[] {
  return points
    .flatMap(({ uris }) => uris.map((uri) => allowedUrl(uri, { hosts })))
    .filter((url) => url !== undefined)
    .slice(0, MOST_POINTS);
}

/**
 * Why a list does not count by who has signed it; `undefined` where it does. Another key than that of the CA in the path counts where
 * no list says that it, or a CA above it, is revoked.
 */
async function signerProblem(
  held: HeldList,
  asked: AskedCertificate,
  sources: ListSources,
  signers: readonly X509Certificate[],
): Promise<string | undefined> {
  const { ca, listSigners, now } = asked;
  const problem = await held.problemWith(ca);
  if (problem === undefined) return undefined;
  for (const path of listSigners(held.list.issuer, now)) {
    const [signer] = path;
    if (signers.some(({ raw }) => raw.equals(signer.raw))) continue;
    // eslint-disable-next-line no-await-in-loop -- the first one that has signed it is enough
    if ((await held.problemWith(signer)) !== undefined) continue;
    // eslint-disable-next-line no-await-in-loop -- as above
    return await standingProblem(path, asked, sources, [...signers, signer]);
  }
  return problem;
}

async function standingProblem(
  path: readonly X509Certificate[],
  asked: AskedCertificate,
  sources: ListSources,
  signers: readonly X509Certificate[],
): Promise<string | undefined> {
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    const ca = path[index + 1] ?? certificate;
    // eslint-disable-next-line no-await-in-loop -- the first one that does not stand is enough
    const status = await statusByLists({ ...asked, certificate, ca }, sources, signers);
    if (status.kind !== 'good') return `whether its signer counts: ${status.detail}`;
  }
  return undefined;
}
