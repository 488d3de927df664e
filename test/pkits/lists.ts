import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VerifiedChain } from '../../lib/client-certificate/certificate-checks.js';
import { Downloads } from '../../lib/client-certificate/revocation/download.js';
import { Generation } from '../../lib/client-certificate/revocation/generation.js';
import { ListFiles } from '../../lib/client-certificate/revocation/list-files.js';
import { PublishedLists } from '../../lib/client-certificate/revocation/published-lists.js';
import { statusByLists } from '../../lib/client-certificate/revocation/status-by-lists.js';

const generation = new Generation();
const downloads = new Downloads({ timeout: 1, maxSize: 1 }, () => false);

/**
 * Why a path does not count by these lists, as files that an app has configured.
 * @param lists DER
 */
export async function listsProblem(
  { path, listSigners = () => [] }: VerifiedChain,
  lists: readonly Buffer[],
  at: number,
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'lists-'));
  const paths = lists.map((_, index) => join(folder, String(index)));
  for (const [index, der] of lists.entries()) writeFileSync(paths[index] ?? '', der);
  const files = new ListFiles(paths, generation);
  try {
    await files.look();
    const sources = { files, published: new PublishedLists(downloads, generation), hosts: [] };
    for (const [index, certificate] of path.slice(0, -1).entries()) {
      const ca = path[index + 1] ?? certificate;
      const status = await statusByLists({ certificate, ca, listSigners, now: at }, sources);
      if (status.kind !== 'good') return `${status.kind}: ${status.detail}`;
    }
    return undefined;
  } finally {
    files.close();
    rmSync(folder, { recursive: true });
  }
}
