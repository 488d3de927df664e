import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { extract } from '../../docs/extract.js';
import { endLeftover } from './proxy-process.js';
import { PROXY_PROGRAMS, proxyEnvironment } from './proxy-programs.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where proxies have their folders. */
    readonly proxyFolders: string;
    /** Where the samples of docs/proxies.md are. */
    readonly proxySamples: string;
  }
}

const execute = promisify(execFile);

/** Looks for every proxy, for none is left out; in the end ends those whose test could not do it, for it was killed. */
export default async function prepare(project: TestProject): Promise<() => Promise<void>> {
  for (const { command, install, versionArguments } of Object.values(PROXY_PROGRAMS)) {
    await execute(command, versionArguments, { env: proxyEnvironment(tmpdir()) }).catch((cause: unknown) => {
      throw new Error(`these tests need ${command}: ${install}`, { cause });
    });
  }
  project.provide('proxySamples', extract('docs/proxies.md'));
  const folders = await mkdtemp(join(tmpdir(), 'proxies-'));
  project.provide('proxyFolders', folders);
  return async () => {
    for (const folder of await readdir(folders)) await endLeftover(join(folders, folder));
    await rm(folders, { recursive: true });
  };
}
