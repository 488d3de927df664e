import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { PROGRAMS, ROOT } from '../paths.js';
import type { Results } from '../results.js';
import { fillIn } from './document.js';
import { jsonOf } from './json.js';
import { pictureOf } from './picture.js';

const DOCUMENT = join(ROOT, 'docs/performance.md');

/**
 * Writes the JSON, the picture and the tables of the document: of a whole run into the tree, of any other beside the
 * compiled programs. @returns the paths
 */
export async function writeReport(results: Results, whole: boolean): Promise<readonly string[]> {
  const folder = whole ? ROOT : join(PROGRAMS, 'report');
  const files = {
    'test/performance/results.json': jsonOf(results),
    'docs/performance.svg': pictureOf(results),
    'docs/performance.md': await formatted(fillIn(await readFile(DOCUMENT, 'utf8'), results)),
  };
  return Promise.all(
    Object.entries(files).map(async ([name, content]) => {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
      return path;
    }),
  );
}

async function formatted(document: string): Promise<string> {
  return format(document, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT });
}
