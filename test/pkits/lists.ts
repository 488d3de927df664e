import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from '../../lib/client-certificate/chain/certificate-fields.js';
import { isInScope, signerProblem, timeProblem } from '../../lib/client-certificate/chain/list-problem.js';
import {
  readRevocationList,
  type RevocationList,
} from '../../lib/client-certificate/chain/revocation-list.js';
import { hasSerialNumber } from '../../lib/client-certificate/chain/serial-numbers.js';

/**
 * Why a path does not count by these lists: each certificate but the trusted one needs a list that speaks of it, by the key of
 * its CA.
 * @param lists DER
 */
export async function listsProblem(
  path: readonly X509Certificate[],
  lists: readonly Buffer[],
  at: number,
): Promise<string | undefined> {
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    const problem = await problemOf(certificate, path[index + 1] as X509Certificate, lists, at);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function problemOf(
  certificate: X509Certificate,
  ca: X509Certificate,
  lists: readonly Buffer[],
  at: number,
): Promise<string | undefined> {
  const found = await Promise.all(lists.map(async (der) => judge(der, certificate, ca, at)));
  const speaking = found.filter((list) => typeof list !== 'string');
  const { serialNumber } = fieldsOf(certificate);
  if (speaking.some(({ revoked }) => hasSerialNumber(revoked, serialNumber))) return 'revoked';
  const problems = found.filter((list) => typeof list === 'string').filter((why) => why !== OF_ANOTHER_CA);
  return speaking.length > 0 ? undefined : `no list: ${[...new Set(problems)].join('; ')}`;
}

const OF_ANOTHER_CA = 'it is of another CA';

/** The list, where it speaks of the certificate; otherwise why it does not. */
async function judge(
  der: Buffer,
  certificate: X509Certificate,
  ca: X509Certificate,
  at: number,
): Promise<RevocationList | string> {
  const read = readRevocationList(der);
  if (read.kind !== 'list') return read.problem;
  const { list } = read;
  if (list.issuer !== fieldsOf(certificate).issuer) return OF_ANOTHER_CA;
  return (
    (await signerProblem(der, list, ca)) ??
    timeProblem(list, at, 0) ??
    (isInScope(list, certificate) ? list : 'it is of other certificates')
  );
}
