import { execFile } from 'node:child_process';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Packed } from './pack.js';

const run = promisify(execFile);
const apps = new URL('../apps/', import.meta.url).pathname;

/** Copies an app out of the repository and installs the tarball into it. @returns where it is */
export async function install(app: string, { directory, tarball }: Packed): Promise<string> {
  const copy = join(directory, app);
  await cp(join(apps, app), copy, { recursive: true });
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: copy });
  return copy;
}

/** Adds what all apps of the matrix share. The entrances have a tsconfig of their own: not every app has their packages. */
export async function addSharedSources(copy: string): Promise<void> {
  await cp(join(apps, 'shared'), join(copy, 'src'), { recursive: true });
}

/** Puts another version of a package, which the app has under another name, in the place of that which it uses. */
export async function putInPlaceOf(copy: string, name: string, other: string): Promise<void> {
  const place = join(copy, 'node_modules', name);
  await rm(place, { recursive: true });
  await cp(join(copy, 'node_modules', other), place, { recursive: true });
}

/** Compiles with the app's own TypeScript. @throws Error that shows what the compiler said */
export async function compile(copy: string, tsconfig = 'tsconfig.json'): Promise<void> {
  await run('node_modules/.bin/tsc', ['-p', tsconfig], { cwd: copy }).catch((error: { stdout?: string }) => {
    throw new Error(`tsc -p ${tsconfig} in ${copy}:\n${error.stdout}`, { cause: error });
  });
}

/** The major version of a package that an app got. */
export async function installedMajor(copy: string, name: string): Promise<number> {
  const manifest = await readFile(join(copy, 'node_modules', name, 'package.json'), 'utf8');
  return Number.parseInt((JSON.parse(manifest) as { readonly version: string }).version, 10);
}
