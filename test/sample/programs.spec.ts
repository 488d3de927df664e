import { copyFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  bash,
  type BuiltSample,
  buildSample,
  childrenOf,
  freePortSettings,
  occupyPort,
  runProgram,
  type RunningProgram,
} from './support/programs.js';

let sample: BuiltSample;
beforeAll(async () => {
  sample = await buildSample();
}, 180_000);
afterAll(() => sample.remove());

const running: RunningProgram[] = [];
afterEach(async () => {
  const programs = running.splice(0);
  for (const program of programs) program.kill('SIGTERM');
  await Promise.all(programs.map((program) => program.exitCode));
});

/** Starts a program that is ended after the test, whatever comes. */
function run(name: 'start' | 'demo', env: Readonly<Record<string, string>> = {}): RunningProgram {
  const program = runProgram(sample.root, name, env);
  running.push(program);
  return program;
}

async function startServers(): Promise<{ start: RunningProgram; ports: Record<'AS_PORT' | 'PORT', string> }> {
  const ports = await freePortSettings();
  const start = run('start', ports);
  await start.printed('Ctrl-C ends both servers.');
  return { start, ports };
}

async function expectPortsFree(ports: Readonly<Record<string, string>>): Promise<void> {
  await Promise.all(
    Object.values(ports).map(async (port) => {
      const { leave } = await occupyPort(Number(port));
      await leave();
    }),
  );
}

describe('the command npm start', () => {
  it('npm start makes the PKI, and prints commands that work as they are pasted', async () => {
    const { start } = await startServers();

    expect((await stat(join(sample.root, 'sample-app', '.pki', 'client1.key'))).mode & 0o777).toBe(0o600);
    const [commands = ''] = /# 1\.[^]*(?=\nCtrl-C)/.exec(start.stdout()) ?? [];
    const answers = await bash(commands, sample.root);
    const statuses = [...answers.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
    expect(statuses, answers).toStrictEqual([200, 401, 201, 200, 200]);
    expect(answers).toMatch(/WWW-Authenticate: Bearer error="invalid_token"/i);
    expect(start.stderr()).toBe('');
  });

  it('npm start logs why a request was refused, without colours in a pipe', async () => {
    const { start, ports } = await startServers();

    await bash(
      `curl -sS --cacert sample-app/.pki/ca.crt -H 'Authorization: Bearer x' https://localhost:${ports.PORT}/accounts`,
      sample.root,
    );
    await start.printed('refused status=401');

    expect(start.stdout()).toMatch(/^API +\| .* refused status=401/m);
    expect(start.stdout()).not.toContain('\x1b');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('npm start ends both servers at %s', async (signal) => {
    const { start, ports } = await startServers();

    start.kill(signal);

    expect(await start.exitCode).toBe(0);
    await expectPortsFree(ports);
  });

  it('npm start can be interrupted while it starts', async () => {
    const ports = await freePortSettings();
    const start = run('start', ports);
    await expect.poll(async () => (await childrenOf(start.pid)).size, { timeout: 20_000 }).toBe(2);

    start.kill('SIGINT');

    expect(await start.exitCode).toBe(0);
    expect(start.stderr()).toBe('');
    await expectPortsFree(ports);
  });

  it.each([
    ['main', /^The API ended \(SIGKILL\), so the other server was stopped\.\n$/],
    ['authorization-server.main', /^The authorization server ended \(SIGKILL\), so the other [^\n]*\n$/],
  ])('npm start ends the other server when %s dies', async (program, line) => {
    const { start, ports } = await startServers();

    process.kill((await childrenOf(start.pid)).get(program) ?? Number.NaN, 'SIGKILL');

    expect(await start.exitCode).toBe(1);
    expect(start.stderr()).toMatch(line);
    await expectPortsFree(ports);
  });

  it('npm start leaves no server behind when it is killed itself', async () => {
    const { start, ports } = await startServers();

    start.kill('SIGKILL');
    await start.exitCode;

    await expect.poll(() => expectPortsFree(ports).then(() => 'free', String)).toBe('free');
  });
});

describe('npm start ends with one clear line', () => {
  async function failure(env: Readonly<Record<string, string>>): Promise<string> {
    const start = run('start', { ...(await freePortSettings()), ...env });
    expect(await start.exitCode).toBe(1);
    expect(start.stdout()).toBe('');
    return start.stderr();
  }

  it.each([
    ['AS_PORT', 'authorization server'],
    ['PORT', 'API'],
  ])('npm start ends with one clear line when the port in %s is taken', async (setting, server) => {
    const { port, leave } = await occupyPort();

    expect(await failure({ [setting]: String(port) })).toBe(
      `Port ${port} is in use (${server}). Set ${setting} to another one.\n`,
    );
    await leave();
  });

  it('npm start ends with one clear line when the PKI cannot be written', async () => {
    const file = join(sample.root, 'file');
    await writeFile(file, '');

    expect(await failure({ PKI_DIR: join(file, '.pki') })).toMatch(
      /^Cannot write the development PKI to .* \(ENOTDIR\)\. Set PKI_DIR to [^\n]*\n$/,
    );
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['a port is no number', { PORT: '84e3' }, /^PORT must be a port from 1 to 65535, not "84e3"\.\n$/],
    ['both ports are one', { AS_PORT: '9999', PORT: '9999' }, /^AS_PORT and PORT are both 9999\.[^\n]*\n$/],
    [
      'HOST is not of this machine',
      { HOST: '192.0.2.1' },
      /^Can't listen on 192\.0\.2\.1 \(EADDRNOTAVAIL\)\. [^\n]*\n$/,
    ],
  ])('npm start ends with one clear line when %s', async (_case, env, line) => {
    expect(await failure(env)).toMatch(line);
  });
});

describe('the command npm run demo', () => {
  it('npm run demo shows that everything comes out as expected, in plain text when piped', async () => {
    const demo = run('demo');

    expect(await demo.exitCode, demo.stdout() + demo.stderr()).toBe(0);
    const output = demo.stdout();
    const { length } = output.match(/^✓ {2}/gm) ?? [];
    expect(length).toBeGreaterThanOrEqual(25);
    expect(output).toContain(`✓ All ${length} came out as expected.`);
    expect(output).not.toContain('✗');
    expect(output + demo.stderr()).not.toContain('\x1b');
    for (const outcome of [
      '200',
      '401 invalid_token',
      '401 use_dpop_nonce',
      'error="invalid_dpop_proof"',
      '403',
      'insufficient_scope',
      '503 Retry-After: 5',
    ]) {
      expect(output).toContain(outcome);
    }
  }, 60_000);

  it('npm run demo fails when something comes out other than expected', async () => {
    const broken = join(sample.root, 'broken-pki');
    const first = run('demo', { PKI_DIR: broken });
    await first.printed('Tried');
    first.kill('SIGINT');
    expect(await first.exitCode).toBe(130);
    for (const extension of ['crt', 'key']) {
      await copyFile(join(broken, `client1.${extension}`), join(broken, `client1-expired.${extension}`));
    }

    const demo = run('demo', { PKI_DIR: broken });

    expect(await demo.exitCode).toBe(1);
    expect(demo.stdout()).toMatch(/^✗ {2}with client1's/m);
    expect(demo.stdout()).toMatch(/✗ 1 of \d+ came out other than expected\./);
  }, 60_000);
});
