import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProxyProgram } from './proxy-programs.js';

const DOCUMENTS = new URL('../../../docs/proxies/', import.meta.url);

/** How a proxy is set up. */
export interface ProxyOptions {
  /** Its configuration: the name of a file in docs/proxies, or the text itself. */
  readonly file: string | { readonly text: string };
  /** Content of each file that the configuration names, by its path there. */
  readonly files: Readonly<Record<string, string>>;
  /** What the configuration names and is elsewhere in a test, and where: `{ '127.0.0.1:3000': '127.0.0.1:40123' }`. */
  readonly replace: Readonly<Record<string, string>>;
}

/**
 * Writes what a proxy reads into its folder.
 * @returns the arguments to start it with
 * @throws Error when the configuration does not name what is to be replaced
 */
export async function configureProxy(
  program: ProxyProgram,
  folder: string,
  port: number,
  { file, files, replace }: ProxyOptions,
): Promise<readonly string[]> {
  const paths = await writeFiles(folder, files);
  const text = typeof file === 'object' ? file.text : await readFile(new URL(file, DOCUMENTS), 'utf8');
  const place = { folder, site: join(folder, `site${program.extension ?? ''}`), port };
  await writeFile(place.site, replaceAll(text, { ...paths, ...replace, ...listening(program, port) }));
  const main = join(folder, 'main');
  await writeFile(main, program.main(place));
  return program.arguments(place, main);
}

/** @returns where each file is, by its path in the configuration */
async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const paths = Object.keys(files).map((path) => [path, join(folder, path.replaceAll('/', '_'))] as const);
  for (const [path, place] of paths) await writeFile(place, files[path] ?? '', { mode: 0o600 });
  return Object.fromEntries(paths);
}

function listening(program: ProxyProgram, port: number): Readonly<Record<string, string>> {
  return program.listening === undefined ? {} : { [program.listening.on443]: program.listening.on(port) };
}

/**
 * Replaces in one go, so that nothing is replaced twice.
 * @throws Error when something is not there: the text is no longer the one that the test was made for
 */
function replaceAll(text: string, replacements: Readonly<Record<string, string>>): string {
  const missing = Object.keys(replacements).filter((from) => !text.includes(from));
  if (missing.length > 0) throw new Error(`the configuration does not say ${missing.join(', ')}`);
  const longestFirst = Object.keys(replacements).toSorted((one, other) => other.length - one.length);
  const pattern = new RegExp(longestFirst.map(literally).join('|'), 'g');
  return text.replaceAll(pattern, (from) => replacements[from] ?? from);
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
