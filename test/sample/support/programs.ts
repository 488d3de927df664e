import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const execute = promisify(execFile);

/** What decides how the programs behave; the tests set it themselves. */
const SETTINGS = [
  'AS_PORT',
  'PORT',
  'HOST',
  'PKI_DIR',
  'NO_COLOR',
  'FORCE_COLOR',
  'NODE_OPTIONS',
  'npm_lifecycle_event',
];

/** The package, copied and built apart, so that no other build can disturb the programs. */
export interface BuiltSample {
  /** The root of the copy. */
  readonly root: string;
  remove(): Promise<void>;
}

/** Copies the package and builds library and sample there, as `npm start` and `npm run demo` do. */
export async function buildSample(): Promise<BuiltSample> {
  const root = await mkdtemp(join(tmpdir(), 'sample-build-'));
  const files = [
    'package.json',
    'nest-cli.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'lib',
    'sample-app',
  ];
  const filter = (source: string): boolean => basename(source) !== '.pki';
  await Promise.all(
    files.map((file) => cp(join(PACKAGE_ROOT, file), join(root, file), { recursive: true, filter })),
  );
  await symlink(join(PACKAGE_ROOT, 'node_modules'), join(root, 'node_modules'));
  await execute('npx', ['nest', 'build'], { cwd: root });
  await execute('npx', ['nest', 'build', 'sample-app'], { cwd: root });
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}

/** A built program of the sample that is running. */
export interface RunningProgram {
  readonly pid: number;
  /** What it has printed so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exitCode: Promise<number | null>;
  /** Waits until it has printed this. */
  printed(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** Runs a built program in the root of the copy; its output is piped, so it is no terminal. */
export function runProgram(
  root: string,
  name: 'start' | 'demo',
  env: Readonly<Record<string, string>>,
): RunningProgram {
  const inherited = { ...process.env };
  for (const setting of SETTINGS) delete inherited[setting];
  const child = spawn(process.execPath, [join('dist', 'sample-app', `${name}.js`)], {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    exitCode,
    printed: async (text) => {
      const ended = exitCode.then((code) =>
        stdout.includes(text)
          ? undefined
          : Promise.reject(new Error(`ended with ${code}: ${stdout}${stderr}`)),
      );
      const seen = new Promise<void>((resolve) => {
        const look = (): void => {
          if (stdout.includes(text)) resolve();
        };
        child.stdout.on('data', look);
        look();
      });
      await Promise.race([ended, seen]);
    },
    kill: (signal) => child.kill(signal),
  };
}

/** The process ids of a program's children, by the name of their program. */
export async function childrenOf(pid: number): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await execute('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  const children = new Map<string, number>();
  for (const line of stdout.split('\n')) {
    const [, child, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    const program = /([\w.-]+)\.js$/.exec(args)?.[1];
    if (Number(parent) === pid && program !== undefined) children.set(program, Number(child));
  }
  return children;
}

/** Runs a script in bash. */
export async function bash(script: string, cwd: string): Promise<string> {
  return (await execute('bash', ['-euo', 'pipefail', '-c', script], { cwd })).stdout;
}

/** Listens on a port; a free one unless told which. @returns the port, and how to leave it */
export async function occupyPort(
  port = 0,
): Promise<{ readonly port: number; readonly leave: () => Promise<void> }> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    leave: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Two free ports, as the environment of a program. */
export async function freePortSettings(): Promise<{ readonly AS_PORT: string; readonly PORT: string }> {
  const [first, second] = await Promise.all([occupyPort(), occupyPort()]);
  await Promise.all([first.leave(), second.leave()]);
  return { AS_PORT: String(first.port), PORT: String(second.port) };
}
