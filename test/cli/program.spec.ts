import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call } from '../forward-auth/support/http-client.js';
import { eventually } from '../support/eventually.js';
import { whenOver } from '../support/world.js';
import { folderWith } from './support.js';

const root = new URL('../../', import.meta.url).pathname;

let folder: string;
/** Builds the package into a folder of its own, as `npm install` would lay it out. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'program-'));
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await mkdir(join(folder, 'dist'));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const project = ['-p', join(root, 'tsconfig.build.json'), '--declaration', 'false'];
  const node = async (...args: readonly string[]): Promise<unknown> =>
    promisify(execFile)(process.execPath, args, { cwd: folder });
  await node(compiler, ...project, '--outDir', join(folder, 'dist/lib'));
  await node(join(root, 'node_modules/rolldown/bin/cli.mjs'), '--config', join(root, 'rolldown.config.js'));
}, 120_000);
afterAll(async () => rm(folder, { recursive: true }));

interface Program {
  readonly child: ChildProcess;
  readonly output: { out: string; err: string };
}

/** The program that package.json names as the command. */
async function commandOf(): Promise<string> {
  const { bin } = (await import(join(folder, 'package.json'), { with: { type: 'json' } })) as {
    bin: Readonly<Record<string, string>>;
  };
  return join(folder, bin['nestjs-cert-bound-auth'] ?? '');
}

/** Runs the command. */
async function start(...args: readonly string[]): Promise<Program> {
  return run(await commandOf(), ...args);
}

function run(...args: readonly string[]): Program {
  const child = spawn(process.execPath, args);
  whenOver(async () => child.kill('SIGKILL'));
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text));
  return { child, output };
}

const CLUSTER_PRIMARY = `
import cluster from 'node:cluster';
const [exec, ...args] = process.argv.slice(2);
cluster.setupPrimary({ exec, args });
const worker = cluster.fork();
worker.once('exit', (code) => process.exit(code));
process.once('SIGTERM', () => worker.kill());
`;

const CONFIG = {
  listen: { port: 0 },
  trustedProxies: ['loopback'],
  audience: 'https://api.example.com',
  authorizationServers: [{ issuer: 'https://as.example.com' }],
  policies: { any: {} },
};

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the command serves until %s, logs its refusals, and exits with 0',
  async (signal) => {
    const config = join(await folderWith({ 'config.json': JSON.stringify(CONFIG) }), 'config.json');
    const { child, output } = await start('serve', config);
    await eventually(() => output.out.includes('listening on'), 20_000);
    const port = /127\.0\.0\.1:(\d+)/.exec(output.out)?.[1];
    expect((await call({ port }, { path: '/auth/any' })).status).toBe(401);
    const ended = once(child, 'close');
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(output.err).toBe('');
    // One line each, and no colours where nobody looks at a terminal.
    const lines = output.out.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^listening on /),
      expect.stringContaining('reason=credentials_missing'),
    ]);
    expect(output.out).not.toContain('\u001B');
  },
);

test('the command has every file beside it that it looks for by its name', async () => {
  const program = join(await commandOf(), '..');
  const files = await readdir(program);
  const codes = await Promise.all(files.map(async (file) => readFile(join(program, file), 'utf8')));
  const named = codes.flatMap((code) => [...code.matchAll(/new URL\("\.\/([^"]+)", import\.meta\.url\)/g)]);
  expect(named.map(([, name]) => name)).toEqual(['list-worker.js']);
  expect(files).toContain('list-worker.js');
});

test('the command prints every fault of a configuration to standard error, and exits with 1', async () => {
  const config = join(await folderWith({ 'config.json': '{}' }), 'config.json');
  const { child, output } = await start('check-config', config);
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(output.out).toBe('');
  expect(output.err.match(/^ {2}- \w+/gm)).toEqual(['  - listen', '  - trustedProxies', '  - policies']);
});

test('the command explain reads a token from standard input, and exits with 1 where it is refused', async () => {
  const args = ['--issuer', 'https://as.example.com', '--audience', 'https://api.example.com'];
  const { child, output } = await start('explain', ...args);
  child.stdin?.end('not-a-jwt\n');
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(output.err).toBe('');
  expect(output.out).toMatch(/^refused, by .*: token_opaque; the caller is told 401 invalid_token\.\n/);
  expect(output.out).not.toContain('not-a-jwt');
});

describe('RFC9449-11: workers of Node’s cluster would each accept a proof once', () => {
  /** Runs the program as the one worker of a cluster, which ends as its worker does. */
  async function startWorker(config: object): Promise<Program> {
    const paths = await folderWith({
      'config.json': JSON.stringify(config),
      'primary.mjs': CLUSTER_PRIMARY,
    });
    return run(join(paths, 'primary.mjs'), await commandOf(), 'serve', join(paths, 'config.json'));
  }

  test('a worker with DPoP and no shared store does not start, and says what to give', async () => {
    const { child, output } = await startWorker({
      ...CONFIG,
      dpop: { publicUrl: 'https://api.example.com' },
    });
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(output.err).toContain(
      "dpop.replayStore (undefined): this process is a worker of Node's cluster, and each would accept a proof once",
    );
  });

  test('a worker without DPoP starts, for nothing needs to be shared', async () => {
    const { output } = await startWorker(CONFIG);
    await eventually(() => output.out.includes('listening on'), 20_000);
  });
});
