import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from '../chain/certificate-fields.js';
import { type ListSigner, nameOf } from '../chain/certification-path.js';
import { ALL_REASONS } from '../chain/distribution-point-names.js';
import { type DistributionPoint, readDistributionPoints } from '../chain/distribution-points.js';
import { isOfAllKeys, OF_ANOTHER_KEY } from '../chain/list-of-another-key.js';
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
  const { points, problem: unreadable } = readDistributionPoints(certificate);
  const problems: string[] = unreadable === undefined ? [] : [unreadable];
  const speaking: (SpeakingList & { readonly name: string })[] = [];
  const look = async (held: HeldList): Promise<void> => {
    // Who does not tell where its lists are is good by none of them.
    const isOwn = held.list.issuer === fields.issuer;
    const coverage = unreadable === undefined ? coverageOf(held.list, certificate) : isOwn ? ALL_REASONS : 0;
    if (coverage === 0) return;
    const signature = await signatureOf(held, asked, sources, signers);
    const problem = signature.problem ?? timeProblem(held.list, now, CLOCK_TOLERANCE_MS);
    const provesGood = (problem ?? unreadable) === undefined;
    if (signature.counts) speaking.push({ list: held.list, coverage, provesGood, name: held.name });
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

function urlsOf(points: readonly DistributionPoint[], { hosts }: ListSources): readonly URL[] {
  return points
    .flatMap(({ uris }) => uris.map((uri) => allowedUrl(uri, { hosts })))
    .filter((url) => url !== undefined)
    .slice(0, MOST_POINTS);
}

/** Who has signed a list. */
interface ListSignature {
  /** Whether who is on it is revoked. */
  readonly counts: boolean;
  /** Why nobody is good by it. */
  readonly problem: string | undefined;
}

/**
 * What a list counts for by who has signed it. Another key than that of the CA in the path counts where no list says that it, or a CA
 * above it, is revoked.
 */
async function signatureOf(
  held: HeldList,
  asked: AskedCertificate,
  sources: ListSources,
  signers: readonly X509Certificate[],
): Promise<ListSignature> {
  let problem = await held.problemWith(asked.ca);
  if (problem === undefined) return { counts: true, problem };
  const known = asked.listSigners(held.list.issuer, asked.now);
  let standing: ListSigner | undefined;
  for (const signer of known) {
    const [own] = signer.path;
    if (signers.some(({ raw }) => raw.equals(own.raw))) continue;
    // eslint-disable-next-line no-await-in-loop -- of several certificates of the key, none may be revoked
    if ((await held.problemWith(own)) !== undefined) continue;
    // eslint-disable-next-line no-await-in-loop -- as above
    const status = await standingOf(signer, asked, sources, [...signers, own]);
    if (status === undefined) standing ??= signer;
    else problem = `whether its signer counts: ${status.detail}`;
    if (status?.kind === 'revoked') return { counts: false, problem };
  }
  if (standing === undefined) return { counts: false, problem };
  const isWhole = isOfAllKeys(held.list, asked, standing, known);
  return { counts: true, problem: isWhole ? undefined : OF_ANOTHER_KEY };
}

/** What is wrong with a signer, or a CA above it; `undefined` where all of them are good. */
async function standingOf(
  { path }: ListSigner,
  asked: AskedCertificate,
  sources: ListSources,
  signers: readonly X509Certificate[],
): Promise<Exclude<CertificateStatus, { readonly kind: 'good' }> | undefined> {
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    const ca = path[index + 1] ?? certificate;
    // eslint-disable-next-line no-await-in-loop -- the first one that does not stand is enough
    const status = await statusByLists({ ...asked, certificate, ca }, sources, signers);
    if (status.kind !== 'good') return status;
  }
  return undefined;
}
