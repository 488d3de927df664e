import { X509Certificate } from 'node:crypto';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { namesIssuerOf, readRequest, textOfName } from '../../lib/doctor/certificate-request.js';
import type { Asked } from '../../lib/doctor/ask.js';
import { algorithmOf, describe as describeAnswer, isPast } from '../../lib/doctor/call-api.js';
import { placeOf } from '../../lib/doctor/place.js';
import { LOOKS } from '../../lib/doctor/finding.js';
import { headersOfPresets } from '../../lib/doctor/forged-header-look.js';
import { forwardedBy } from '../../lib/client-certificate/header/presets.js';
import { folderWith, run } from '../cli/support.js';
import { newKeyPair } from '../support/key-pair.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { doctor, filesOf, freePort, startServer } from './support.js';

let world: World;
let files: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await createWorld();
  files = { ...filesOf(world), empty: '', two: 'one two', 'secret.jwk': '{"kty":"oct","k":"c2VjcmV0"}' };
});

describe('the command line of doctor', () => {
  test('help is printed, and what there is to look at is said', async () => {
    for (const flag of ['--help', '-h']) {
      const { code, out, err } = await run('doctor', flag);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain('Exit status: 0 fine, 1 problems, 2 the command line');
    }
    expect((await run('--help')).out).toContain('doctor --help');
  });

  test.each([
    [[], 'give --config <file>, --issuer <url>, --url <url> or --redis <url>: see doctor --help'],
    [['--isuer', 'x'], 'there is no option --isuer: did you mean --issuer?'],
    [['eyJhbGciOi.x.y'], /a token or a password is never taken from the command line/],
    [['--audience', 'x'], '--audience goes with --config or --issuer'],
    [['--policy', 'x', '--url', 'https://localhost'], '--policy goes with --config or --issuer'],
    [['--issuer', 'nowhere'], /issuer/],
    [['--redis', 'localhost'], '--redis needs a URL, as redis://localhost:6379'],
    [['--redis', 'redis'], '--redis needs a URL, as redis://localhost:6379'],
    [['--redis', 'redis://:secret@localhost'], /a password is never taken from the command line/],
    [['--redis-auth-file', '@empty', '--issuer', 'https://localhost'], '--redis-auth-file goes with --redis'],
    [['--cert', '@client1.pem', '--key', '@client1.key'], '--cert goes with --url'],
    [['--url', 'https://localhost', '--cert', '@client1.pem'], '--cert and --key go together'],
    [
      ['--url', 'https://localhost', '--other-key', '@client1.key'],
      '--other-cert and --other-key go together',
    ],
    [
      ['--url', 'https://localhost', '--cert', '@client1.pem', '--key', '@client2.key'],
      /are no certificate and its private key, PEM/,
    ],
    [
      ['--url', 'https://localhost', '--cert', '@empty', '--key', '@client2.key'],
      /are no certificate and its private key, PEM/,
    ],
    [['--url', 'localhost'], /--url needs a URL/],
    [['--url', 'ftp://localhost'], /--url needs a URL/],
    [['--url', 'https://me:secret@localhost'], '--url takes no password'],
    [['--url', 'http://api.example.com'], '--url needs https:, for a token would be sent to it'],
    [['--url', 'https://localhost', '--token-file', '@empty'], /there is no token in/],
    [['--url', 'https://localhost', '--token-file', '@two'], /there is no token in/],
    [['--url', 'https://localhost', '--token-file', '@missing'], /cannot be read \(ENOENT\)/],
    [['--url', 'https://localhost', '--dpop-key', '@secret.jwk'], /holds no private key that signs proofs/],
    [['--url', 'https://localhost', '--dpop-key', '@empty'], /holds no private key that signs proofs/],
    [['--url', 'https://localhost', '--timeout', 'soon'], '--timeout needs seconds, up to 300'],
    [['--url', 'https://localhost', '--timeout', '301'], '--timeout needs seconds, up to 300'],
    [['--config', '@missing'], /ENOENT/],
  ])('%j is misuse', async (args, message) => {
    const { code, out, err } = await doctor(files, args);
    expect([code, out]).toEqual([2, '']);
    if (typeof message === 'string') expect(err).toBe(message);
    else expect(err).toMatch(message);
    expect(err).not.toMatch(/secret@|eyJhbG/);
  });

  test('a report for people has a line for each look, and what to do below it', async () => {
    const as = await startAuthorizationServer(world);
    const folder = await folderWith(files);
    const { code, out } = await run('doctor', '--issuer', as.issuer, '--ca', `${folder}/ca.pem`);
    expect(code).toBe(1);
    expect(out).toContain(
      `${as.issuer}\n  ok       server_tls              TLSv1.3, "CN=localhost", issued by "CN=Test CA", until 20`,
    );
    expect(out).toMatch(/ {2}PROBLEM {2}token_binding .*\n {11}to do {2}Switch it on at the server/);
    expect(out).toMatch(/\n\n1 problem\.$/);
    const down = await run(
      'doctor',
      '--redis',
      `redis://localhost:${await freePort()}`,
      '--issuer',
      'https://localhost:1',
    );
    expect(down.out).toMatch(/\n\n4 problems\.$/);
    const right = await startServer(world, () => ({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
    }));
    const fine = await run('doctor', '--url', right, '--ca', `${folder}/ca.pem`);
    expect(fine.out).toMatch(/\n\nno problem was found\.$/);
    expect(fine.code).toBe(0);
  });

  test('each look has a name of its own', () => {
    expect(new Set(LOOKS).size).toBe(LOOKS.length);
  });
});

describe('what doctor forges', () => {
  test('the header of every preset is tried', () => {
    const tried = new Set(headersOfPresets().map(({ name }) => name));
    const presets = Object.values(forwardedBy) as readonly ((options: object) => {
      readonly header?: string;
    })[];
    const usual = presets.map((preset) => preset({ trustedProxies: ['loopback'] }).header);
    for (const header of usual) {
      if (header !== undefined) expect(tried).toContain(header);
    }
    expect(tried.size).toBeGreaterThan(12);
  });

  test.each([
    ['ec', { namedCurve: 'P-256' }, 'ES256'],
    ['ec', { namedCurve: 'P-384' }, 'ES384'],
    ['ec', { namedCurve: 'P-521' }, 'ES512'],
    ['ed25519', {}, 'EdDSA'],
    ['rsa', { modulusLength: 2048 }, 'PS256'],
  ] as const)('a key of %s %j signs proofs by %s', (type, options, algorithm) => {
    expect(algorithmOf(newKeyPair(type, options).privateKey)).toBe(algorithm);
  });

  test('a key that signs nothing signs no proof', () => {
    expect(() => algorithmOf(newKeyPair('x25519').privateKey)).toThrow(TypeError);
  });
});

describe('what an API answers', () => {
  test('a refusal for scopes has come past the checks of the token, and one that names no error has not', () => {
    const answered = (status: number, challenge?: string): Asked => ({
      kind: 'answered',
      status,
      headers: challenge === undefined ? {} : { 'www-authenticate': challenge },
      body: '',
      at: 0,
      took: 0,
    });
    expect(isPast(answered(403, 'Bearer error="insufficient_scope"'))).toBe(true);
    expect(isPast(answered(403))).toBe(false);
    expect(isPast({ kind: 'failed', problem: 'x' })).toBe(false);
    expect([answered(204), answered(404), answered(415)].map(isPast)).toEqual([true, true, true]);
    expect([answered(400), answered(401), answered(429), answered(503)].some(isPast)).toBe(false);
    expect(describeAnswer({ kind: 'failed', problem: 'x' })).toBe('x');
    expect(describeAnswer({ kind: 'refused', problem: 'x' })).toBe('the connection was refused (x)');
  });

  test('the place of a URL is its name and port, or the usual port', () => {
    expect(placeOf(new URL('https://api.example.com/x'), 443)).toEqual({
      host: 'api.example.com',
      port: 443,
      servername: 'api.example.com',
    });
    expect(placeOf(new URL('https://[::1]:8443'), 443)).toEqual({ host: '::1', port: 8443 });
  });
});

describe('what a server asks for in a handshake', () => {
  test('what is cut off or no handshake asks for nothing that could be read', () => {
    for (const bytes of [
      [],
      [21, 3, 3, 0, 2, 2, 40],
      [22, 3, 3, 0, 4, 13, 0, 0, 0],
      [22, 3, 3, 0, 6, 13, 0, 0, 9, 1, 64],
    ]) {
      expect(readRequest(Buffer.from(bytes))).toEqual({ kind: 'unseen' });
    }
    expect(readRequest(Buffer.from([22, 3, 3, 0, 4, 14, 0, 0, 0]))).toEqual({ kind: 'not-asked' });
  });

  test('a name that is none matches no issuer, and is told as such', async () => {
    const certificate = new X509Certificate((await TestCertificateAuthority.create()).cert);
    expect(namesIssuerOf(certificate, [Buffer.from([1, 2, 3])])).toBe(false);
    expect(textOfName(Buffer.from([1, 2, 3]))).toBe('a name that cannot be read');
  });
});
