import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { missingListProblem } from '../chain/missing-list.js';
import type { RevocationList } from '../chain/revocation-list.js';
import { readLists } from './read-lists.js';
import type { RevocationSettings } from './revocation-settings.js';

/**
 * Says which of the CAs that are known at boot has no list in any file, where nobody else may be asked. A file that can't be read is
 * told of when it is read for good.
 * @returns a remedy; `undefined` where nothing is wrong
 */
export function filesProblem(
  cas: readonly X509Certificate[],
  { mode, crl, ocsp }: RevocationSettings,
): string | undefined {
  if (mode !== 'strict' || crl === undefined || crl.hosts.length > 0 || ocsp !== undefined) return undefined;
  const read = [crl.files].flat().map(listsIn);
  const lists = read.flatMap((each) => each ?? []);
  // Who an indirect list speaks for, certificates say.
  if (read.includes(undefined) || lists.some(({ scope }) => scope.isIndirect)) return undefined;
  const whole = lists.filter(({ baseNumber }) => baseNumber === undefined);
  return missingListProblem(
    cas.filter(({ ca }) => ca),
    new Set(whole.map(({ issuer }) => issuer)),
  );
}

function listsIn(file: string): readonly RevocationList[] | undefined {
  const reading = readLists(contentOf(file));
  return reading.kind === 'lists' ? reading.lists.map(({ list }) => list) : undefined;
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
