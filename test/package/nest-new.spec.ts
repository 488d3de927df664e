import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url).pathname;

const readme = readFile(join(root, 'README.md'), 'utf8');
const testing = readFile(join(root, 'docs/testing.md'), 'utf8');

/** The code of a document in fences of this language. */
const blocksOf = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    ([, code = '']) => code,
  );

const named = (code: readonly string[], name: string): string => {
  const found = code.find((block) => block.startsWith(`// ${name}\n`));
  if (found === undefined) throw new Error(`no sample has the name ${name}`);
  return found;
};

/** CommonJS: relative imports have no extension. */
const asCommonJs = (code: string): string => code.replaceAll(/(from '\.[^']*)\.js'/g, "$1'");

test('a project that nest new of Nest 11 has made does what README and docs/testing.md say, and Jest ends by itself', async () => {
  const { directory, tarball } = inject('packed');
  await run('npx', ['--yes', '@nestjs/cli@11', 'new', 'bank', '--skip-install', '--skip-git', '-p', 'npm'], {
    cwd: directory,
  });
  const project = join(directory, 'bank');
  const inProject = async (command: string, ...args: readonly string[]): Promise<void> => {
    await run(command, args, { cwd: project, timeout: 120_000 });
  };
  const [words, samples] = [await testing, blocksOf(await readme, 'ts')];

  // What the documents say to install, with the tarball in the place of the published package.
  const installs = blocksOf(words, 'sh').flatMap((block) => block.trim().split('\n'));
  expect(installs).toHaveLength(2);
  for (const line of installs) {
    const args = line
      .split(' ')
      .slice(1)
      .map((word) => (word === 'nestjs-cert-bound-auth' ? tarball : word));
    await inProject('npm', ...args, '--no-audit', '--no-fund', '--prefer-offline');
  }
  for (const name of ['app.module.ts', 'payments.controller.ts', 'main.ts'])
    await writeFile(join(project, 'src', name), asCommonJs(named(samples, name)));
  const [config = '{}'] = blocksOf(words, 'json');
  const given = JSON.parse(await readFile(join(project, 'test/jest-e2e.json'), 'utf8')) as object;
  await writeFile(
    join(project, 'test/jest-e2e.json'),
    JSON.stringify({ ...given, ...(JSON.parse(config) as object) }),
  );
  const [spec = ''] = blocksOf(words, 'typescript');
  await mkdir(join(project, 'test'), { recursive: true });
  await writeFile(join(project, 'test/payments.e2e-spec.ts'), spec);

  await inProject('npm', 'run', 'build');
  const { stdout } = await run(
    'npx',
    ['jest', '--config', 'test/jest-e2e.json', '--ci', '--json', 'test/payments.e2e-spec.ts'],
    { cwd: project, timeout: 120_000 },
  );
  expect(JSON.parse(stdout)).toMatchObject({ success: true, numPassedTests: 1 });
}, 400_000);
