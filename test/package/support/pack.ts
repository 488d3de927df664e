import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

/** The tarball that npm would publish, and a directory for what is made with it. */
export interface Packed {
  readonly directory: string;
  readonly tarball: string;
  readonly files: readonly string[];
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly packed: Packed;
  }
}

interface PackReport {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Packs once for all specs: `npm pack` builds into `dist/`, which two at a time would spoil. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'package-'));
  project.provide('packed', await pack(directory));
  return async () => rm(directory, { recursive: true });
}

async function pack(directory: string): Promise<Packed> {
  const root = new URL('../../../', import.meta.url);
  const { stdout } = await promisify(execFile)('npm', ['pack', '--json', '--pack-destination', directory], {
    cwd: root,
  });
  const report = JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as
    readonly PackReport[] | Readonly<Record<string, PackReport>>;
  const [content] = Object.values(report);
  if (content === undefined) throw new Error(`npm pack reported nothing: ${stdout}`);
  return {
    directory,
    tarball: join(directory, content.filename),
    files: content.files.map(({ path }) => path),
  };
}
