import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A TypeScript sample of a document. */
export interface Sample {
  /** The name in its first line. */
  readonly name: string;
  readonly code: string;
}

const root = new URL('../../', import.meta.url).pathname;

/** The samples of a document; each must begin with its name, as in `// main.ts`. */
export function samplesOf(document: string): readonly Sample[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => {
    const name = /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1];
    if (name === undefined) throw new Error(`a sample in ${document} has no name: ${code.slice(0, 80)}`);
    return { name, code };
  });
}

/** Writes the samples of a document into a folder of their own, inside the project so that imports resolve. */
export function extract(document: string): string {
  const folder = join(root, 'test/docs/.samples', document.replaceAll(/\W/g, '-'));
  mkdirSync(folder, { recursive: true });
  const samples = samplesOf(document);
  for (const { name, code } of samples) writeFileSync(join(folder, name), code);
  // What the document no longer has, an earlier run may have left; a test that still needs it must fail here as elsewhere.
  const names = new Set(samples.map(({ name }) => name));
  const stale = readdirSync(folder).filter((name) => !names.has(name));
  for (const name of stale) rmSync(join(folder, name), { force: true });
  return folder;
}
