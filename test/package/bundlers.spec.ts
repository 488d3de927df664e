import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, inject, test } from 'vitest';
import { install } from './support/install.js';

const run = promisify(execFile);

let app: string;
beforeAll(async () => {
  app = await install('bundled', inject('packed'));
}, 180_000);

/** Optional peers of Nest's own: every bundled Nest app leaves them out. */
const NEST_OPTIONAL = ['@nestjs/microservices', '@nestjs/websockets', 'class-transformer', 'class-validator'];

async function esbuild(format: 'esm' | 'cjs'): Promise<string> {
  const out = `out-${format}.${format === 'esm' ? 'mjs' : 'cjs'}`;
  const banner = `--banner:js=import { createRequire as ofNode } from 'node:module'; const require = ofNode(import.meta.url);`;
  const leftOut = NEST_OPTIONAL.flatMap((name) => [`--external:${name}`, `--external:${name}/*`]);
  await run(
    'node_modules/.bin/esbuild',
    [
      'main.js',
      '--bundle',
      '--platform=node',
      `--format=${format}`,
      `--outfile=${out}`,
      ...leftOut,
      ...(format === 'esm' ? [banner] : []),
    ],
    { cwd: app },
  );
  return join(app, out);
}

/** As the Nest CLI has webpack do it, but with everything in one file. */
async function webpack(): Promise<string> {
  await run('node_modules/.bin/webpack', ['--config', 'webpack.config.cjs'], { cwd: app });
  return join(app, 'out-webpack/main.cjs');
}

const BUNDLERS = {
  'esbuild, as esm': async () => esbuild('esm'),
  'esbuild, as cjs': async () => esbuild('cjs'),
  webpack,
} as const;

test.each(Object.entries(BUNDLERS))(
  'a bundle by %s without the optional peers is protected, and verifies chains',
  async (_, bundle) => {
    const { stdout } = await run(process.execPath, [await bundle()], { cwd: app });
    expect(JSON.parse(stdout)).toEqual({ status: 401, verifying: 'booted' });
  },
  120_000,
);
