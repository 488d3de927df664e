import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TestCertificateAuthority } from '../../testing/test-certificate-authority.js';
import { generateSigningKey } from '../../testing/minted-token.js';

/** What a development folder holds, read. */
export interface DevelopmentFolder {
  readonly path: string;
  /** The CA of every certificate but the foreign one, PEM. */
  readonly ca: string;
  readonly server: { readonly key: string; readonly cert: string };
  /** Certificates of the clients, by the name of their files. */
  readonly clients: Readonly<Record<ClientName, X509Certificate>>;
  /** Private key that tokens are signed with, PKCS #8 PEM. */
  readonly signingKey: string;
  /** Secrets of those who have no certificate. */
  readonly secrets: Readonly<Record<SecretOwner, string>>;
}

export type ClientName = 'client1' | 'client2';
/** `api` introspects, `partner1` gets tokens bound by DPoP. */
export type SecretOwner = 'api' | 'partner1';

const SECRET_OWNERS = ['api', 'partner1'] as const satisfies readonly SecretOwner[];

/** Says that the folder is ours to write to. */
const MARKER = 'made-by-nestjs-cert-bound-auth';
const DAY = 86_400_000;
const LIFETIME = 90 * DAY;

/**
 * Opens the folder of a development PKI, and makes it where there is none, or where it is broken or about to expire.
 * @param now milliseconds since the epoch
 * @throws Error when something else is in that place, or it can't be written
 */
export async function openDevelopmentFolder(path: string, now = Date.now()): Promise<DevelopmentFolder> {
  const found = await readFolder(path).catch(() => undefined);
  if (found !== undefined && lasts(found, now)) return found;
  await makeFolder(path, now);
  return readFolder(path);
}

async function readFolder(path: string): Promise<DevelopmentFolder> {
  const read = async (name: string): Promise<string> => readFile(join(path, name), 'utf8');
  const certificate = async (name: string): Promise<X509Certificate> => {
    const [cert, key] = await Promise.all([read(`${name}.crt`), read(`${name}.key`)]);
    const parsed = new X509Certificate(cert);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error(`${name}: the key is another's`);
    return parsed;
  };
  await Promise.all([read(MARKER), certificate('server'), certificate('expired'), certificate('foreign')]);
  return {
    path,
    ca: await read('ca.crt'),
    server: { key: await read('server.key'), cert: await read('server.crt') },
    clients: { client1: await certificate('client1'), client2: await certificate('client2') },
    signingKey: await read('signing.key'),
    secrets: secretsIn(await read('secrets.json')),
  };
}

function secretsIn(text: string): DevelopmentFolder['secrets'] {
  const secrets = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const missing = SECRET_OWNERS.filter(
    (owner) => typeof secrets[owner] !== 'string' || secrets[owner] === '',
  );
  if (missing.length > 0) throw new Error(`secrets.json has nothing for ${missing.join(', ')}`);
  return secrets as DevelopmentFolder['secrets'];
}

/** Whether every certificate that is to be right is of this CA, and good for another day. */
function lasts({ ca, server, clients }: DevelopmentFolder, now: number): boolean {
  const authority = new X509Certificate(ca);
  const issued = [new X509Certificate(server.cert), clients.client1, clients.client2];
  return [authority, ...issued].every(
    (certificate) => Date.parse(certificate.validTo) > now + DAY && certificate.verify(authority.publicKey),
  );
}

async function makeFolder(path: string, now: number): Promise<void> {
  await mkdir(path, { recursive: true });
  const present = await readdir(path);
  if (present.length > 0 && !present.includes(MARKER)) {
    throw new Error(`${path} holds files that this command has not made: name another folder by --folder`);
  }
  await chmod(path, 0o700);
  const write = async (name: string, content: string): Promise<void> => {
    await writeFile(join(path, name), content, { mode: 0o600 });
  };
  // First, so that a folder that was left half-made is known as ours.
  await write(MARKER, 'For development only: npx nestjs-cert-bound-auth dev\n');
  await write('.gitignore', '*\n');
  for (const [name, content] of Object.entries(await contentAt(now))) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other is fast enough, and fails at the first
    await write(name, content);
  }
}

/** The files, by name. The keys of the CAs are in none: nobody can issue another certificate that is trusted. */
async function contentAt(now: number): Promise<Readonly<Record<string, string>>> {
  const ca = await TestCertificateAuthority.create('Development CA');
  const stranger = await TestCertificateAuthority.create('Foreign CA');
  const current = { notBefore: new Date(now - DAY), notAfter: new Date(now + LIFETIME) };
  const lapsed = { notBefore: new Date(now - 30 * DAY), notAfter: new Date(now - DAY) };
  const issued = {
    server: await ca.issueServerCertificate(current),
    client1: await ca.issueClientCertificate('client1', current),
    client2: await ca.issueClientCertificate('client2', current),
    expired: await ca.issueClientCertificate('client1', lapsed),
    foreign: await stranger.issueClientCertificate('client1', current),
  };
  const { privateKey } = await generateSigningKey('ES256');
  const secrets = SECRET_OWNERS.map((owner) => [owner, randomBytes(32).toString('base64url')]);
  return {
    'ca.crt': ca.cert,
    ...Object.fromEntries(
      Object.entries(issued).flatMap(([name, { cert, key }]) => [
        [`${name}.crt`, cert],
        [`${name}.key`, key],
      ]),
    ),
    'signing.key': String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    'secrets.json': `${JSON.stringify(Object.fromEntries(secrets), undefined, 2)}\n`,
  };
}
