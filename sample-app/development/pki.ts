import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createAuthority,
  daysFromNow,
  type Issued,
  issueClientCertificate,
  issueServerCertificate,
} from './certificates.js';
import { errorCode, Problem } from './problem.js';

/** The certificates of the development PKI; each is a `.crt` and a `.key` file. */
export const CERTIFICATES = ['ca', 'server', 'client1', 'client2', 'client1-expired', 'untrusted'] as const;
export type CertificateName = (typeof CERTIFICATES)[number];

/** Names that the server certificate is always made for. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** Holds the version of what is made below. */
const LAYOUT_FILE = 'layout';
const LAYOUT = '1\n';
const FILES = [LAYOUT_FILE, ...CERTIFICATES.flatMap((name) => [`${name}.crt`, `${name}.key`])];
const LOCK = 'lock';

/** Where the PKI is: `PKI_DIR`, or `sample-app/.pki` of this package. */
export function pkiDirectory(): string {
  const packageJson = createRequire(import.meta.url).resolve('nestjs-cert-bound-auth/package.json');
  return resolve(process.env['PKI_DIR'] || join(dirname(packageJson), 'sample-app', '.pki'));
}

/**
 * Makes the development PKI unless there is one that is whole, of this layout and good for another day.
 * @param host a name or address that the server certificate must hold beside the loopback ones
 */
export async function ensurePki(directory: string, host = 'localhost'): Promise<void> {
  if (await isUsable(directory, host)) return;
  try {
    await refuseForeignFiles(directory);
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o700);
    await withLock(join(directory, LOCK), async () => {
      // Another program may have made it meanwhile.
      if (!(await isUsable(directory, host))) await replacePki(directory, host);
    });
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    throw new Problem(
      `Cannot write the development PKI to ${directory} (${code}). Set PKI_DIR to a directory that you can write.`,
      { cause: error },
    );
  }
}

async function isUsable(directory: string, host: string): Promise<boolean> {
  try {
    if ((await readFile(join(directory, LAYOUT_FILE), 'utf8')) !== LAYOUT) return false;
    const read = (name: CertificateName): Promise<X509Certificate> => readCertificate(directory, name);
    const [ca, ...issued] = await Promise.all([read('ca'), read('server'), read('client1'), read('client2')]);
    await Promise.all([read('client1-expired'), read('untrusted')]);
    const current = [ca, ...issued].every(
      (certificate) => lastsADay(certificate) && isSignedBy(certificate, ca),
    );
    return current && isFor(issued[0], host);
  } catch {
    return false;
  }
}

/** Reads a certificate; throws unless its private key is beside it. */
async function readCertificate(directory: string, name: CertificateName): Promise<X509Certificate> {
  const certificate = new X509Certificate(await readFile(join(directory, `${name}.crt`)));
  const key = createPrivateKey(await readFile(join(directory, `${name}.key`)));
  if (!certificate.checkPrivateKey(key)) throw new Error(`${name}: the key is another certificate's`);
  return certificate;
}

function lastsADay(certificate: X509Certificate): boolean {
  return Date.parse(certificate.validTo) > daysFromNow(1).getTime();
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.verify(authority.publicKey);
}

function isFor(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
}

/** A wrong `PKI_DIR` must not mix these files with somebody's own. */
async function refuseForeignFiles(directory: string): Promise<void> {
  const present = await readdir(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  const own = new Set([...FILES, LOCK]);
  const foreign = present.find((file) => !own.has(file));
  if (foreign === undefined) return;
  throw new Problem(`${directory} holds another file (${foreign}). Set PKI_DIR to a new or empty directory.`);
}

/** Lets one program at a time do this. A lock that somebody left behind holds for ten seconds. */
async function withLock(lock: string, work: () => Promise<void>): Promise<void> {
  while (!(await take(lock))) {
    const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > 10_000) await rmdir(lock).catch(() => undefined);
    await sleep(20);
  }
  try {
    await work();
  } finally {
    await rmdir(lock);
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Nobody takes half a PKI for a whole one: the file of the layout comes last. */
async function replacePki(directory: string, host: string): Promise<void> {
  await Promise.all(FILES.map((file) => rm(join(directory, file), { force: true })));
  await writePki(directory, host);
}

async function writePki(directory: string, host: string): Promise<void> {
  const ca = await createAuthority('Development CA');
  const stranger = await createAuthority('Untrusted CA');
  const lifetime = { notBefore: daysFromNow(-1), notAfter: daysFromNow(90) };
  const lapsed = { notBefore: daysFromNow(-30), notAfter: daysFromNow(-1) };
  const hosts = [...new Set([...LOOPBACK, host])];
  const issued: Record<CertificateName, Issued> = {
    ca,
    server: await issueServerCertificate(ca, hosts, lifetime),
    client1: await issueClientCertificate(ca, 'client1', lifetime),
    client2: await issueClientCertificate(ca, 'client2', lifetime),
    'client1-expired': await issueClientCertificate(ca, 'client1', lapsed),
    untrusted: await issueClientCertificate(stranger, 'client1', lifetime),
  };
  await Promise.all(CERTIFICATES.map((name) => write(directory, name, issued[name])));
  await writeFile(join(directory, LAYOUT_FILE), LAYOUT);
}

async function write(directory: string, name: CertificateName, { cert, key }: Issued): Promise<void> {
  await writeFile(join(directory, `${name}.crt`), cert);
  await writeFile(join(directory, `${name}.key`), key, { mode: 0o600 });
}
