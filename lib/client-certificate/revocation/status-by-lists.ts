import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from '../chain/certificate-fields.js';
import { distributionPointsOf } from '../chain/distribution-points.js';
import { isInScope, timeProblem } from '../chain/list-problem.js';
import { hasSerialNumber } from '../chain/serial-numbers.js';
import { nameOf } from '../chain/certification-path.js';
import { allowedUrl } from './allowed-url.js';
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

/** What the lists say of a certificate: those of the files first, then those that it names itself. */
export async function statusByLists(
  certificate: X509Certificate,
  ca: X509Certificate,
  { files, published, hosts }: ListSources,
  now: number,
): Promise<CertificateStatus> {
  const { issuer, serialNumber } = fieldsOf(certificate);
  const problems: string[] = [];
  let until = -Infinity;
  const look = async (held: HeldList): Promise<boolean> => {
    if (!isInScope(held.list, certificate)) return false;
    const problem = await held.problemWith(ca);
    if (problem === undefined && hasSerialNumber(held.list.revoked, serialNumber)) return true;
    const invalid = problem ?? timeProblem(held.list, now, CLOCK_TOLERANCE_MS);
    if (invalid === undefined) until = Math.max(until, (held.list.nextUpdate ?? 0) + CLOCK_TOLERANCE_MS);
    else problems.push(`${held.name}: ${invalid}`);
    return false;
  };

  for (const held of files.of(issuer)) {
    // eslint-disable-next-line no-await-in-loop -- the signature of each is verified once
    if (await look(held)) return revoked(certificate, held);
  }
  if (until > -Infinity) return { kind: 'good', until };

  const urls = distributionPointsOf(certificate)
    .flatMap(({ uris }) => uris.map((uri) => allowedUrl(uri, { hosts })))
    .filter((url) => url !== undefined)
    .slice(0, MOST_POINTS);
  for (const url of urls) {
    // eslint-disable-next-line no-await-in-loop -- the next one is asked only when this one says nothing
    const served = await published.get(url, ca, now);
    const held = served.kind === 'there' ? served.value : published.knownAt(url, ca);
    if (served.kind === 'missing') problems.push(`${url.href}: ${served.problem}`);
    // A list that is out of date proves nobody good, but who is on it stays revoked.
    // eslint-disable-next-line no-await-in-loop -- as above
    if (held !== undefined && (await look(held))) return revoked(certificate, held);
    if (until > -Infinity) return { kind: 'good', until };
  }
  return problems.length > 0
    ? { kind: 'unavailable', detail: problems.join('; ') }
    : {
        kind: 'unknown',
        detail: `no list is known of the CA of ${nameOf(certificate)}, and it names none at a permitted host`,
      };
}

function revoked(certificate: X509Certificate, { name }: HeldList): CertificateStatus {
  return { kind: 'revoked', detail: `${nameOf(certificate)} is revoked by ${name}` };
}
