import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect, type ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { AddressInfo } from 'node:net';
import { mutualTls, type MutualTlsOptions } from 'nestjs-cert-bound-auth';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { openssl, pkcs12 } from '../support/openssl.js';
import { createWorld, whenOver, type World } from '../support/world.js';
import { newKeyPair } from '../support/key-pair.js';

let world: World;
let otherCa: TestCertificateAuthority;
beforeAll(async () => {
  world = await createWorld();
  otherCa = await TestCertificateAuthority.create('Other CA');
});

function options(changes: Partial<MutualTlsOptions> = {}): MutualTlsOptions {
  const { key, cert } = world.server;
  return { key, cert, ca: world.ca.cert, ...changes };
}

describe('INV13: mutualTls takes nothing by which Node would trust other CAs', () => {
  test('A PKCS #12 file is refused, and the commands of the message convert it to what is taken', () => {
    const pfx = pkcs12(world.server, otherCa.cert);
    let message = '';
    try {
      mutualTls({ ...options(), pfx } as MutualTlsOptions);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(
      /^mutualTls: pfx is not taken: Node would trust the CAs inside it for clients too/,
    );
    const commands = [...message.matchAll(/openssl (pkcs12 -in server\.p12 [^;(]*)/g)].map(
      ([, command = '']) => command,
    );
    expect(commands).toHaveLength(3);
    const convert = (result: string): string => {
      const own = commands.find((command) => command.includes(`-out ${result}`)) ?? '';
      return openssl({ 'server.p12': pfx }, result, `${own.trim()} -passin pass:secret`).toString();
    };
    expect(mutualTls(options({ key: convert('tls.key'), cert: convert('tls.crt') }))).toMatchObject({
      requestCert: true,
    });
  });

  test.each(['crl', 'intermediates'] as const)(
    'An empty "%s" is refused: Node would check nothing',
    (name) => {
      for (const value of ['', [], [''], Buffer.alloc(0), null]) {
        expect(() => mutualTls({ ...options(), [name]: value as never })).toThrow(`${name} given, but empty`);
      }
    },
  );

  test('What is no certificate or no list is refused with the name of its option', async () => {
    const { cert } = world.ca;
    const cases: readonly (readonly [Partial<MutualTlsOptions>, string])[] = [
      [{ ca: cert.slice(0, -100) }, 'mutualTls: ca is broken: a CERTIFICATE is cut off'],
      [{ ca: [cert, '/etc/ca.pem'] }, 'mutualTls: ca is not PEM'],
      [{ ca: cert.replace(/\n\w{8}/, '\nAAAAAAAA') }, 'mutualTls: ca is broken'],
      [{ intermediates: '/etc/ca.pem' }, 'mutualTls: intermediates is not PEM'],
      [{ crl: Buffer.from([0x30, 0x82]) }, 'mutualTls: crl is not PEM'],
      [{ crl: (await world.ca.issueCrl()).slice(0, -50) }, 'mutualTls: crl is broken: a X509 CRL is cut off'],
      [{ secureContext: {} } as Partial<MutualTlsOptions>, "mutualTls: secureContext can't be set"],
    ];
    for (const [changes, message] of cases) expect(() => mutualTls(options(changes))).toThrow(message);
  });

  test('INV2: A root among the intermediates is refused, for OpenSSL would trust it, unless it is one of the CAs', async () => {
    const between = await world.ca.issueIntermediate();
    const bundle = `${between.cert}\n${otherCa.cert}`;
    expect(() => mutualTls(options({ intermediates: bundle }))).toThrow(
      /^mutualTls: intermediates holds a root that is not in ca, and would be trusted like one: "CN=.*"\. Leave it out/,
    );
    const whole = `${between.cert}\n${world.ca.cert}`;
    expect(mutualTls(options({ intermediates: whole }))).toMatchObject({ requestCert: true });
  });

  test('CAs and lists are taken as text, bytes and arrays, several in one file too', async () => {
    const crls = [await world.ca.issueCrl(), await otherCa.issueCrl()];
    const forms = [
      { ca: `${world.ca.cert}\n${otherCa.cert}`, crl: crls.join('') },
      { ca: Buffer.from(`${world.ca.cert}\n${otherCa.cert}`), crl: Buffer.from(crls.join('')) },
      { ca: [world.ca.cert, Buffer.from(otherCa.cert)], crl: crls },
    ];
    const made = forms.map((form) => mutualTls(options(form)));
    expect(made.map(({ ca, crl }) => [(ca as string[]).length, (crl as string[]).length])).toEqual([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    expect(new Set(made.map(({ sessionIdContext }) => sessionIdContext)).size).toBe(1);
  });
});

describe('mutualTls says at boot what is wrong with the server’s own certificate', () => {
  test('A key of another certificate is named, with the commands that compare the two', async () => {
    const { key } = await world.ca.issueServerCertificate();
    expect(() => mutualTls(options({ key }))).toThrow(
      /^mutualTls: cert does not belong to the key \(OpenSSL: key values mismatch\): it is "CN=localhost", for another public key\. Give the key .*openssl/,
    );
  });

  test('A certificate that has expired is named, with its end and what to do', async () => {
    const { key, cert } = await world.ca.issueServerCertificate({ notAfter: new Date(Date.now() - 1000) });
    expect(() => mutualTls(options({ key, cert }))).toThrow(
      /^mutualTls: cert has expired: "CN=localhost" was valid until \d{4}-.*Z, and clients refuse it\. Renew it; watchTls\(\)/,
    );
  });

  test('A chain whose first certificate is that of the CA is told from a key of another certificate', () => {
    const { key, cert } = world.server;
    const reversed = `${world.ca.cert}\n${cert}`;
    expect(() => mutualTls(options({ key, cert: reversed }))).toThrow('put it before its CAs');
    expect(() => mutualTls(options({ key, cert: `${cert}\n${world.ca.cert}` }))).not.toThrow();
  });

  test('A key that can’t be read is said to be so, without the key in the message', () => {
    const { privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });
    const encrypted = privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'a',
    });
    expect(() => mutualTls(options({ key: encrypted }))).toThrow(
      /^mutualTls: key can't be read .*give its passphrase/,
    );
    expect(() => mutualTls(options({ key: '/etc/tls.key' }))).toThrow(/^mutualTls: key can't be read/);
    expect(() => mutualTls(options({ key: world.server.key.slice(0, 100) }))).not.toThrow(
      world.server.key.slice(40, 90),
    );
    expect(() => mutualTls(options({ cert: '/etc/tls.crt' }))).toThrow(
      'mutualTls: cert holds no PEM certificate',
    );
  });

  test('Several keys with several certificates, and an encrypted key with its passphrase, are taken', () => {
    const { key, cert } = world.server;
    expect(() =>
      mutualTls(options({ key: [world.client1.key, key], cert: [cert, world.client1.cert] })),
    ).not.toThrow();
    const encrypted = openssl(
      { key },
      'out',
      'pkcs8 -topk8 -in key -passout pass:secret -out out',
    ).toString();
    expect(() => mutualTls(options({ key: encrypted, passphrase: 'secret' }))).not.toThrow();
  });
});

/** What a client saw of a connection. */
interface Visit {
  readonly session: Buffer | undefined;
  readonly reused: boolean;
  readonly body: string;
}

/** Sends one request on a connection of its own. */
async function visit(port: number, client: ConnectionOptions): Promise<Visit> {
  const socket = connect({ port, servername: 'localhost', ca: world.ca.cert, ...client });
  let [session, reused, received]: [Buffer | undefined, boolean, string] = [undefined, false, ''];
  socket.on('session', (given) => {
    session = given;
  });
  socket.on('secureConnect', () => {
    reused = socket.isSessionReused();
  });
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
  return { session, reused, body: received.split('\r\n\r\n')[1] ?? '' };
}

/** A request that resumes the session of an earlier one. */
async function visitAgain({ session }: Visit, port: number, client: ConnectionOptions): Promise<Visit> {
  if (session === undefined) throw new Error('there is no session to resume');
  return visit(port, { ...client, session });
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('INV13: TLS sessions of %s', (version) => {
  const versions = { minVersion: version, maxVersion: version } as const;

  /** Whether a session that a server with the first options began is resumed by one with the second. */
  async function resumes(
    first: MutualTlsOptions,
    second: MutualTlsOptions,
    client: object,
  ): Promise<boolean> {
    const began = await visit(await listen(first), { ...client, ...versions });
    return (await visitAgain(began, await listen(second), { ...client, ...versions })).reused;
  }

  async function listen(tls: MutualTlsOptions): Promise<number> {
    const server = createServer(mutualTls(tls), (_, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    whenOver(async () => new Promise((resolve) => server.close(resolve)));
    return (server.address() as AddressInfo).port;
  }

  test('Servers that share ticketKeys resume each other’s where the same is trusted, and nowhere else', async () => {
    const crl = await world.ca.issueCrl();
    const base = options({ ticketKeys: randomBytes(48), clientAuth: 'request' });
    const { key, cert } = world.client1;
    const from = async (first: MutualTlsOptions, second: MutualTlsOptions): Promise<boolean> =>
      resumes(first, second, { key, cert });
    const between = await otherCa.issueIntermediate();
    expect(await from(base, { ...base, ca: Buffer.from(world.ca.cert) })).toBe(true);
    expect(await from({ ...base, crl }, { ...base, crl })).toBe(true);
    expect(await from({ ...base, ca: [world.ca.cert, otherCa.cert] }, base)).toBe(false);
    expect(await from(base, { ...base, crl })).toBe(false);
    expect(await from({ ...base, intermediates: between.cert }, base)).toBe(false);
    expect(await from({ ...base, sessionIdContext: 'one' }, { ...base, sessionIdContext: 'two' })).toBe(
      false,
    );
  });

  test('One that began without a certificate does not get past a server that requires one', async () => {
    const ticketKeys = randomBytes(48);
    const request = options({ ticketKeys, clientAuth: 'request' });
    expect(await resumes(request, options({ ticketKeys }), {})).toBe(false);
    expect(await resumes(request, request, {})).toBe(true);
  });

  test('Workers of a cluster resume each other’s where the same is trusted, and nowhere else', async () => {
    const { key, cert } = world.client1;
    const client = { key, cert, ...versions };
    const made = (ca: string | readonly string[]): object =>
      mutualTls(options({ ca, clientAuth: 'request' }));
    const between = async (tls: readonly object[]): Promise<boolean> => {
      const port = await startCluster(tls);
      const began = await visit(port, client);
      // The next connection goes to the other worker.
      for (let turn = 0; turn < 10; turn += 1) {
        const again = await visitAgain(began, port, client);
        if (again.body !== began.body) return again.reused;
      }
      throw new Error('one worker got all connections');
    };
    expect(await between([made(world.ca.cert), made(world.ca.cert)])).toBe(true);
    expect(await between([made([world.ca.cert, otherCa.cert]), made([world.ca.cert])])).toBe(false);
  });

  async function startCluster(tls: readonly object[]): Promise<number> {
    const program = fileURLToPath(new URL('cluster-program.mjs', import.meta.url));
    const child = spawn(process.execPath, [program, JSON.stringify(tls)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    whenOver(async () => {
      child.kill();
      await once(child, 'exit');
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return Number(line.toString());
  }
});
