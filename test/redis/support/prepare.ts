import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const PACKAGE_ROOT = new URL('../../../', import.meta.url);

/** Looks for Redis, without which nothing is tested, and builds the library, which the processes of the tests import. */
export default async function prepare(): Promise<void> {
  await execute('redis-server', ['--version']).catch((cause: unknown) => {
    throw new Error('these tests need redis-server on the PATH: apt-get install redis-server', { cause });
  });
  await execute('npm', ['run', '--silent', 'build'], { cwd: PACKAGE_ROOT });
}
