// Coverage-guided fuzzing with jsfuzz, which instruments CommonJS only: target and library are bundled into one file,
// which is then the one that is instrumented. Its coverage decides which inputs are kept. See README.md beside this file.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const JSFUZZ = 'jsfuzz@1.0.15';
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 300);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(tmpdir(), 'cert-bound-auth-guided');
const corpus = join(folder, 'corpus');
mkdirSync(corpus, { recursive: true });

const target = join(root, 'node_modules/.cache/cert-bound-auth-guided/target.cjs');
const inBundle = /^[./]|^nestjs-cert-bound-auth|^@oxc-project\/runtime/;
const preload = `${target}.preload.cjs`;
// Packages stay outside the bundle; what is loaded before jsfuzz begins, it does not instrument.
const { output } = await build({
  cwd: root,
  input: join(root, 'test/fuzz/guided/target.ts'),
  platform: 'node',
  external: (id) => !inBundle.test(id),
  tsconfig: join(root, 'tsconfig.json'),
  output: { file: target, format: 'cjs' },
});

writeFileSync(preload, output[0].imports.map((name) => `require(${JSON.stringify(name)});`).join('\n'));

// jsfuzz is old and has many dependencies, so that it is none of the project's: it is installed beside it.
if (!existsSync(join(folder, 'node_modules/jsfuzz'))) {
  run('npm', ['install', '--no-save', '--prefix', folder, JSFUZZ]);
}
const { SEEDS } = createRequire(import.meta.url)(target);
for (const [index, seed] of SEEDS.entries()) writeFileSync(join(corpus, `seed-${index}`), seed, 'latin1');

// It fuzzes until it finds something, or is ended.
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jsfuzz/build/src/index.js', '--timeout=120', relative(folder, target), 'corpus'],
  {
    cwd: folder,
    stdio: 'inherit',
    timeout: SECONDS * 1000,
    env: { ...process.env, NODE_OPTIONS: `--require=${preload}` },
  },
);
// `null`: it was ended, and has found nothing.
process.exitCode = status === null ? 0 : 1;

function run(command, args) {
  const { status: code } = spawnSync(command, args, { stdio: 'inherit' });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: status ${code}`);
}
