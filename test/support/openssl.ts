import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files by name; what commands are given. */
type Files = Readonly<Record<string, string | Buffer>>;

/**
 * Runs commands of OpenSSL among these files.
 * @param result name of the file that they have made
 * @param commands each without the program's own name; no argument has a space
 * @returns the bytes of the result
 */
export function openssl(files: Files, result: string, ...commands: readonly string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    for (const command of commands) {
      execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'pipe' });
    }
    return readFileSync(join(folder, result));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A PKCS #12 file with the password `secret`. @param cas certificates beside the server's own, PEM */
export function pkcs12({ key, cert }: { readonly key: string; readonly cert: string }, cas: string): Buffer {
  const command = 'pkcs12 -export -inkey key -in cert -certfile cas -passout pass:secret -out p12';
  return openssl({ key, cert, cas }, 'p12', command);
}

const NEW_KEY = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
const CLIENT =
  'basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n';

/** A root of X.509 version 1, which has no extensions, and a client's certificate of it. */
export function version1Authority(): {
  readonly root: string;
  readonly client: { readonly key: string; readonly cert: string };
} {
  const all = openssl(
    { extensions: CLIENT },
    'all',
    `req ${NEW_KEY} -keyout root.key -subj /CN=Old-root -out root.csr`,
    'x509 -req -in root.csr -signkey root.key -days 30 -sha256 -out root.crt',
    `req ${NEW_KEY} -keyout client.key -subj /CN=client -out client.csr`,
    'x509 -req -in client.csr -CA root.crt -CAkey root.key -CAcreateserial -days 30 -sha256 -extfile extensions -out client.crt',
    'pkcs12 -export -inkey client.key -in client.crt -certfile root.crt -passout pass: -out p12',
    'pkcs12 -in p12 -nodes -passin pass: -out all',
  ).toString();
  const blocks = (label: string): readonly string[] =>
    all.match(new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----\n`, 'g')) ?? [];
  const [cert = '', root = ''] = blocks('CERTIFICATE');
  const [key = ''] = blocks('PRIVATE KEY');
  return { root, client: { key, cert } };
}

/** A root that was renewed with its key: one that ends tomorrow, its successor, and a client's certificate of both. */
export function renewedAuthority(): {
  readonly roots: readonly [old: string, renewed: string];
  readonly client: { readonly key: string; readonly cert: string };
} {
  const root = 'req -x509 -key root.key -subj /CN=Renewed-root';
  const all = openssl(
    { extensions: CLIENT },
    'all',
    'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out root.key',
    `${root} -days 1 -out old.crt`,
    `${root} -days 400 -out renewed.crt`,
    `req ${NEW_KEY} -keyout client.key -subj /CN=client -out client.csr`,
    'x509 -req -in client.csr -CA renewed.crt -CAkey root.key -CAcreateserial -days 300 -sha256 -extfile extensions -out client.crt',
    'crl2pkcs7 -nocrl -certfile client.crt -certfile old.crt -certfile renewed.crt -out p7',
    'pkcs7 -in p7 -print_certs -out certificates',
    'pkcs12 -export -inkey client.key -in client.crt -certfile certificates -passout pass: -out p12',
    'pkcs12 -in p12 -nodes -passin pass: -out all',
  ).toString();
  const blocks = (label: string): readonly string[] =>
    all.match(new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----\n`, 'g')) ?? [];
  const [cert = '', ...others] = blocks('CERTIFICATE');
  const [key = ''] = blocks('PRIVATE KEY');
  const [old = '', renewed = ''] = others.filter((other) => other !== cert);
  return { roots: [old, renewed], client: { key, cert } };
}
