import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PEERS } from './paths.js';

const run = promisify(execFile);

/** Installs the libraries that the benchmark stands beside this one, if they are not there. */
export async function installPeers(): Promise<void> {
  // npm writes this file last.
  if (existsSync(join(PEERS, 'node_modules/.package-lock.json'))) return;
  await run('npm', ['ci', '--no-audit'], { cwd: PEERS });
}
