import { X509Certificate } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CERTIFICATES, type CertificateName, ensurePki } from '../../sample-app/development/pki.js';

const DAY = 86_400_000;

let parent: string;
let directory: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'sample-pki-'));
  directory = join(parent, '.pki');
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(parent, { recursive: true, force: true });
});

async function certificate(name: CertificateName): Promise<X509Certificate> {
  return new X509Certificate(await readFile(join(directory, `${name}.crt`)));
}

async function serialNumber(): Promise<string> {
  return (await certificate('ca')).serialNumber;
}

describe('the development PKI', () => {
  it('the PKI has a certificate and a key for each name, with the keys readable by the owner alone', async () => {
    await ensurePki(directory);

    const expected = CERTIFICATES.flatMap((name) => [`${name}.crt`, `${name}.key`]);
    expect((await readdir(directory)).toSorted()).toStrictEqual([...expected, 'layout'].toSorted());
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const name of CERTIFICATES) {
      expect((await stat(join(directory, `${name}.key`))).mode & 0o777).toBe(0o600);
    }
    expect(await readdir(parent)).toStrictEqual(['.pki']);
  });

  it('each certificate is what its name promises', async () => {
    await ensurePki(directory);
    const ca = await certificate('ca');

    for (const name of ['server', 'client1', 'client2', 'client1-expired'] as const) {
      expect((await certificate(name)).verify(ca.publicKey), name).toBe(true);
    }
    expect((await certificate('untrusted')).verify(ca.publicKey)).toBe(false);
    for (const name of ['client1', 'client1-expired', 'untrusted'] as const) {
      expect((await certificate(name)).subject).toBe('CN=client1');
    }
    expect(Date.parse((await certificate('client1-expired')).validTo)).toBeLessThan(Date.now());
    const server = await certificate('server');
    expect(server.checkHost('localhost')).toBe('localhost');
    expect(server.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(server.checkIP('::1')).toBe('::1');
  });

  it('a PKI that is good is kept', async () => {
    await ensurePki(directory);
    const before = await serialNumber();

    await ensurePki(directory);

    expect(await serialNumber()).toBe(before);
  });
});

describe('the development PKI is remade', () => {
  const inDirectory = (file: string): string => join(directory, file);

  it.each<[string, () => Promise<void>]>([
    ['when a file is missing', () => rm(inDirectory('untrusted.key'))],
    ['when a file is broken', () => writeFile(inDirectory('client2.crt'), 'not a certificate')],
    [
      "when a key is another certificate's",
      () => copyFile(inDirectory('client2.key'), inDirectory('client1.key')),
    ],
    ['when it was made for another layout', () => writeFile(inDirectory('layout'), '0\n')],
    ['when it was left unfinished', () => rm(inDirectory('layout'))],
    [
      'when a certificate expires within a day',
      async () => {
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 89.5 * DAY });
      },
    ],
  ])('the PKI is remade %s', async (_case, breakIt) => {
    await ensurePki(directory);
    const before = await serialNumber();

    await breakIt();
    await ensurePki(directory);

    expect(await serialNumber()).not.toBe(before);
    await ensurePki(directory);
    expect(await readdir(directory)).toHaveLength(13);
  });

  it('the PKI is remade when the server listens on an address that its certificate lacks', async () => {
    await ensurePki(directory);
    expect((await certificate('server')).checkIP('192.0.2.1')).toBeUndefined();

    await ensurePki(directory, '192.0.2.1');

    expect((await certificate('server')).checkIP('192.0.2.1')).toBe('192.0.2.1');
  });

  it('the PKI is made once by several programs that start together', async () => {
    await Promise.all([ensurePki(directory), ensurePki(directory), ensurePki(directory)]);
    const before = await serialNumber();

    await ensurePki(directory);

    expect(await serialNumber()).toBe(before);
    expect(await readdir(parent)).toStrictEqual(['.pki']);
  });
});

describe('the development PKI fails with one clear line', () => {
  it('the error is one clear line when the directory cannot be made', async () => {
    await writeFile(join(parent, 'file'), '');

    await expect(ensurePki(join(parent, 'file', '.pki'))).rejects.toThrow(
      /^Cannot write the development PKI to .* \(ENOTDIR\)\. Set PKI_DIR to a directory that you can write\.$/,
    );
  });

  it('the error is one clear line when the directory is not writable', async () => {
    await chmod(parent, 0o500);
    const root = process.geteuid?.() === 0;
    // Root may write anywhere: it becomes nobody for a moment.
    if (root) process.seteuid?.(65_534);

    await expect(ensurePki(directory))
      .rejects.toThrow(/\(EACCES\)/)
      .finally(() => {
        if (root) process.seteuid?.(0);
      });
    await chmod(parent, 0o700);
  });

  it("the error is one clear line when the directory holds somebody's files, which are left alone", async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'thesis.txt'), 'years of work');

    await expect(ensurePki(directory)).rejects.toThrow(/holds another file \(thesis\.txt\)/);
    expect(await readdir(directory)).toStrictEqual(['thesis.txt']);
  });
});
