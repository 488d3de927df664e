import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../support/world.js';
import { folderWith, run } from './support.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

describe('the command line', () => {
  test.each([['--help'], ['-h'], ['serve', '--help']])(
    'the command prints its usage for %s',
    async (...args) => {
      const { code, out } = await run(...args);
      expect([code, out]).toEqual([
        0,
        expect.stringMatching(/^Usage: nestjs-cert-bound-auth <command> <file>\n/),
      ]);
    },
  );

  test('the command prints its version for --version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await run('--version')).toEqual({ code: 0, out: version, err: '' });
  });

  test.each([
    [],
    ['serve'],
    ['check-config'],
    ['thumbprint'],
    ['start', 'x'],
    ['serve', 'x', 'y'],
    ['serve', '--port', '1'],
  ])('the command exits with 2 when it does not understand its arguments: %s %s %s', async (...args) => {
    const { code, out, err } = await run(...args.filter((arg) => arg !== undefined));
    expect([code, out, err]).toEqual([2, '', expect.stringMatching(/^Usage: /)]);
  });
});

describe('RFC8705-2: the command thumbprint', () => {
  test('thumbprint prints the x5t#S256 of each certificate in a PEM file, one per line', async () => {
    const { ca, client1, client2 } = world;
    const folder = await folderWith({
      'chain.pem': `${client1.key}${client1.cert}\nsome text\n${client2.cert}${ca.cert}`,
    });
    const { code, out } = await run('thumbprint', join(folder, 'chain.pem'));
    expect(code).toBe(0);
    const [one, two, three] = out.split('\n');
    expect([one, two]).toEqual([client1.thumbprint, client2.thumbprint]);
    expect(three).toMatch(/^[\w-]{43}$/);
  });

  test('thumbprint prints the x5t#S256 of a DER file', async () => {
    const folder = await folderWith({ 'cert.der': world.client1.der });
    expect(await run('thumbprint', join(folder, 'cert.der'))).toEqual({
      code: 0,
      out: world.client1.thumbprint,
      err: '',
    });
  });

  test.each<[string, (world: World) => string | Uint8Array]>([
    ['a key', ({ client1 }) => client1.key],
    ['nothing', () => ''],
    ['a truncated certificate', ({ client1 }) => client1.cert.slice(0, 200)],
    ['a broken certificate', ({ client1 }) => client1.cert.replace(/\n\w{4}/, '\nAAAA')],
  ])('thumbprint refuses a file that holds %s', async (_, content) => {
    const folder = await folderWith({ file: content(world) });
    const { code, out, err } = await run('thumbprint', join(folder, 'file'));
    expect([code, out, err]).toEqual([1, '', expect.stringMatching(/^error: /)]);
  });

  test('thumbprint refuses a file that is not there', async () => {
    const { code, err } = await run('thumbprint', '/none');
    expect([code, err]).toEqual([1, expect.stringContaining('ENOENT')]);
  });
});
