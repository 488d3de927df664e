import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, inject, onTestFinished, test } from 'vitest';

const run = promisify(execFile);

/** A program that runs, with the processes that it has started, until the test is over. */
interface Program {
  /** What it has printed so far. */
  readonly output: () => string;
}

/** A port each, for the tests of a machine run one after the other. */
const API_PORT = '3443';

/** @param prints that it does so when it is ready */
async function startUntil(
  prints: RegExp,
  cwd: string,
  command: string,
  ...args: readonly string[]
): Promise<Program> {
  const child = spawn(command, args, { cwd, detached: true, env: { ...process.env, PORT: API_PORT } });
  const ended = new Promise((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    await ended;
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  while (!prints.test(output)) {
    if (child.exitCode !== null) throw new Error(`${command} ${args.join(' ')} has ended:\n${output}`);
    await sleep(100);
  }
  return { output: () => output };
}

/** The sources and settings of a project, by path. */
async function sourcesOf(project: string): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(project, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/node_modules|\/dist\/|package-lock/.test(path));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
}

for (const nest of [11, 12] as const) {
  test(`install, nest add, dev, start: in a new project of Nest ${nest} the commands that dev prints get 200 for the holder of the token and 401 for the thief, and its tests pass`, async () => {
    const { directory, tarball } = inject('packed');
    const name = `added-${nest}`;
    const project = join(directory, name);
    const inProject = async (command: string, ...args: readonly string[]): Promise<string> => {
      const { stdout } = await run(command, args, { cwd: project, timeout: 240_000 });
      return stdout;
    };
    const nestAdd = async (...args: readonly string[]): Promise<string> =>
      inProject('npx', 'nest', 'add', 'nestjs-cert-bound-auth', '--skip-install', ...args);

    await run(
      'npx',
      ['--yes', `@nestjs/cli@${nest}`, 'new', name, '--skip-install', '--skip-git', '-p', 'npm'],
      {
        cwd: directory,
      },
    );
    await inProject('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball);

    const before = await sourcesOf(project);
    await nestAdd('--dry-run');
    expect(await sourcesOf(project)).toEqual(before);
    // What nest add does when the package is installed: this one is not in the registry.
    await inProject('npx', 'schematics', 'nestjs-cert-bound-auth:nest-add', '--source-root=src');
    const after = await sourcesOf(project);
    expect(after).not.toEqual(before);
    await nestAdd();
    expect(await sourcesOf(project)).toEqual(after);

    const dev = await startUntil(
      /Ctrl-C/,
      project,
      'npx',
      'nestjs-cert-bound-auth',
      'dev',
      '--api',
      `https://localhost:${API_PORT}`,
    );
    await startUntil(/successfully started/, project, 'npm', 'start');
    const commands = dev.output().split('in this directory:')[1]?.split('Opaque tokens')[0] ?? '';
    const answers = await inProject('bash', '-c', commands);
    expect(answers.match(/^HTTP\/\S+ \d+/gm)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401']);

    await inProject('npm', 'run', 'test:e2e');
  }, 600_000);
}
