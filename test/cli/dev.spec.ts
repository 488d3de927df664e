import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { CertBoundAuthModule, MemoryReplayStore, mutualTls } from 'nestjs-cert-bound-auth';
import { TestDpopClient, type TestDpopHeaders } from 'nestjs-cert-bound-auth/testing';
import supertest from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { openDevelopmentFolder } from '../../lib/cli/dev/development-folder.js';
import { eventually } from '../support/eventually.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { TokenController } from '../support/token-controller.js';
import { whenOver } from '../support/world.js';
import { type CommandRun, folderWith, run, start } from './support.js';

/** Keys take a while; tests that change no file share this folder. */
let shared: string;
beforeAll(async () => {
  shared = mkdtempSync(join(tmpdir(), 'dev-'));
  await openDevelopmentFolder(shared);
  return async () => rm(shared, { recursive: true });
});

/** A server of the command, and what it has printed. */
interface Dev {
  readonly issuer: string;
  readonly port: number;
  readonly printed: string;
  readonly command: CommandRun;
}

async function startDev(...args: readonly string[]): Promise<Dev> {
  const command = start('dev', '--folder', shared, '--port', '0', ...args);
  whenOver(async () => {
    command.stop();
    await command.ended;
  });
  await eventually(() => command.printed.length > 0 || command.complaints.length > 0, 20_000);
  const printed = command.printed.join('\n');
  const [issuer = '', port = ''] = /https:\/\/localhost:(\d+)/.exec(printed) ?? [];
  return { issuer, port: Number(port), printed, command };
}

const file = (name: string): string => readFileSync(join(shared, name), 'utf8');
const secretOf = (name: string): string =>
  (JSON.parse(file('secrets.json')) as Readonly<Record<string, string>>)[name] ?? '';

type Certificate = 'client1' | 'client2' | 'expired' | 'foreign';

function postTo(url: string, path: string, certificate?: Certificate): supertest.Test {
  const request = supertest(url).post(path).ca(file('ca.crt')).type('form');
  return certificate === undefined
    ? request
    : request.key(file(`${certificate}.key`)).cert(file(`${certificate}.crt`));
}

async function tokenOf(
  { issuer }: Dev,
  clientId: string,
  certificate: Certificate,
  form: object = {},
): Promise<string> {
  const { body } = await postTo(issuer, '/token', certificate)
    .send({ grant_type: 'client_credentials', client_id: clientId, ...form })
    .expect(200);
  return (body as { readonly access_token: string }).access_token;
}

/** An API with the options that are printed, and introspection. */
async function startApi({ issuer }: Dev, platform: (typeof PLATFORMS)[number]): Promise<INestApplication> {
  const auth = CertBoundAuthModule.forRoot({
    audience: 'https://api.example.com',
    authorizationServers: [
      {
        issuer,
        tls: { ca: file('ca.crt') },
        introspection: {
          clientAuthentication: {
            method: 'client_secret_basic',
            clientId: 'api',
            clientSecret: secretOf('api'),
          },
        },
      },
    ],
    dpop: { publicUrl: 'https://api.example.com', replayStore: new MemoryReplayStore() },
  });
  class App {}
  const app = await startApp(
    platform,
    { module: App, imports: [auth], controllers: [TokenController] },
    mutualTls({
      key: file('server.key'),
      cert: file('server.crt'),
      ca: file('ca.crt'),
      clientAuth: 'request',
    }),
  );
  whenOver(async () => app.close());
  return app;
}

function getFrom(app: INestApplication, token: string, certificate: Certificate): supertest.Test {
  return supertest(app.getHttpServer() as never)
    .get('/')
    .ca(file('ca.crt'))
    .key(file(`${certificate}.key`))
    .cert(file(`${certificate}.crt`))
    .auth(token, { type: 'bearer' });
}

describe('the folder of the command dev', () => {
  test('the folder holds certificates that are right, one that has expired and one of a foreign CA, and git ignores it', async () => {
    const ca = new X509Certificate(file('ca.crt'));
    const judged = ['server', 'client1', 'client2', 'expired', 'foreign'].map((name) => {
      const certificate = new X509Certificate(file(`${name}.crt`));
      return [name, certificate.verify(ca.publicKey), Date.parse(certificate.validTo) > Date.now()];
    });
    expect(judged).toEqual([
      ['server', true, true],
      ['client1', true, true],
      ['client2', true, true],
      ['expired', true, false],
      ['foreign', false, true],
    ]);
    expect(file('.gitignore')).toBe('*\n');
    expect(await readdir(shared)).not.toContain('ca.key');
  });

  test('nobody else on the machine can read the folder or a file in it', async () => {
    const modes = await Promise.all(
      (await readdir(shared)).map(async (name) => (await stat(join(shared, name))).mode & 0o777),
    );
    expect(new Set(modes)).toEqual(new Set([0o600]));
    expect((await stat(shared)).mode & 0o777).toBe(0o700);
  });

  test('the folder is kept between runs, and made anew when a certificate is about to expire or a file is broken', async () => {
    const path = await folderWith({});
    const first = await openDevelopmentFolder(path);
    expect((await openDevelopmentFolder(path)).ca).toBe(first.ca);
    const later = await openDevelopmentFolder(path, Date.now() + 89.5 * 86_400_000);
    expect(later.ca).not.toBe(first.ca);
    await writeFile(join(path, 'client1.key'), first.server.key);
    const mended = await openDevelopmentFolder(path);
    expect(mended.ca).not.toBe(later.ca);
    await writeFile(join(path, 'secrets.json'), '{"api":""}');
    expect((await openDevelopmentFolder(path)).ca).not.toBe(mended.ca);
  });

  test('the command dev writes into no folder that it has not made', async () => {
    const path = await folderWith({ 'server.key': 'of somebody else' });
    const { code, err } = await run('dev', '--folder', path, '--port', '0');
    expect([code, err]).toEqual([
      1,
      `error: ${path} holds files that this command has not made: name another folder by --folder`,
    ]);
    expect(await readFile(join(path, 'server.key'), 'utf8')).toBe('of somebody else');
    expect(await readdir(path)).toEqual(['server.key']);
  });
});

describe('the command line of dev', () => {
  test.each([
    ['--port', '65536'],
    ['--port', 'x'],
    ['--folder', ''],
    ['--api', 'x'],
    ['--unknown'],
    ['positional'],
  ])('the command dev exits with 2 when it does not understand its arguments: %s %s', async (...args) => {
    const { code, out, err } = await run('dev', ...args.filter((arg) => arg !== undefined));
    expect([code, out, err]).toEqual([
      2,
      '',
      expect.stringMatching(/^Usage: nestjs-cert-bound-auth dev \[options\]/),
    ]);
  });

  test('the command dev prints its usage for --help', async () => {
    expect(await run('dev', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('--audience') });
  });

  test('the command dev says how to go on when its port is in use', async () => {
    const { port } = await startDev();
    const { code, err } = await run('dev', '--folder', shared, '--port', String(port));
    expect([code, err]).toEqual([1, `error: port ${port} is in use: name another one by --port`]);
  });
});

describe.each(PLATFORMS)('an API on %s that trusts the server of dev', (platform) => {
  test('RFC8705-1: the token that dev prints is for client1 alone', async () => {
    const dev = await startDev('--scope', 'payments:read');
    const [token = ''] = /^ey[\w.-]+$/m.exec(dev.printed) ?? [];
    const app = await startApi(dev, platform);
    const { body } = await getFrom(app, token, 'client1').expect(200);
    expect(body).toMatchObject({ clientId: 'client1', scopes: ['payments:read'], boundBy: ['certificate'] });
    await getFrom(app, token, 'client2').expect(401);
    await getFrom(app, token, 'expired').expect(401);
    await getFrom(app, token, 'foreign').expect(401);
  });

  test('RFC7662-1: an opaque token of dev works until its client revokes it', async () => {
    const dev = await startDev();
    const app = await startApi(dev, platform);
    const token = await tokenOf(dev, 'client1-opaque', 'client1');
    expect(token).toMatch(/^opaque-/);
    await getFrom(app, token, 'client1').expect(200);
    await getFrom(app, token, 'client2').expect(401);
    const revoke = (clientId: string, certificate: Certificate): supertest.Test =>
      postTo(dev.issuer, '/revoke', certificate).send({ client_id: clientId, token }).expect(200);
    await revoke('client2-opaque', 'client2');
    await getFrom(app, token, 'client1').expect(200);
    await revoke('client1-opaque', 'client1');
    await getFrom(app, token, 'client1').expect(401);
  });

  test('RFC9449-1: a client with a secret gets a token that is bound to the key of its proof', async () => {
    const dev = await startDev();
    const app = await startApi(dev, platform);
    const client = await TestDpopClient.create();
    const proof = await client.proof({ method: 'POST', url: `${dev.issuer}/token` });
    const ask = (headers: Readonly<Record<string, string>>): supertest.Test =>
      postTo(dev.issuer, '/token')
        .auth('partner1', secretOf('partner1'))
        .set(headers)
        .send({ grant_type: 'client_credentials' });
    const { body } = (await ask({ DPoP: proof }).expect(200)) as {
      body: { access_token: string; token_type: string };
    };
    expect(body.token_type).toBe('DPoP');
    const call = { token: body.access_token, url: 'https://api.example.com/' };
    const get = (headers: TestDpopHeaders): supertest.Test =>
      supertest(app.getHttpServer() as never)
        .get('/')
        .ca(file('ca.crt'))
        .set({ ...headers });
    await get(await client.headers(call)).expect(200);
    await get(await (await TestDpopClient.create()).headers(call)).expect(401);

    const elsewhere = await client.proof({ method: 'POST', url: 'https://as.example.com/token' });
    const stale = await client.proof({ method: 'POST', url: `${dev.issuer}/token`, fault: 'stale' });
    const forged = await client.proof({ method: 'POST', url: `${dev.issuer}/token`, fault: 'foreign-key' });
    for (const wrong of [{}, { DPoP: proof }, { DPoP: elsewhere }, { DPoP: stale }, { DPoP: forged }]) {
      const refused = await ask(wrong).expect(400);
      expect(refused.body).toMatchObject({ error: 'invalid_dpop_proof' });
    }
  });
});

describe('the endpoints of dev', () => {
  test('metadata is where OAuth and OpenID Connect look for it, and names what is there', async () => {
    const { issuer } = await startDev();
    const [oauth, openid] = await Promise.all(
      ['oauth-authorization-server', 'openid-configuration'].map(async (name) =>
        supertest(issuer).get(`/.well-known/${name}`).ca(file('ca.crt')).expect(200),
      ),
    );
    expect(oauth?.body).toMatchObject({ issuer, tls_client_certificate_bound_access_tokens: true });
    expect(openid?.body).toEqual(oauth?.body);
  });

  test.each<[string, string, Certificate | undefined, object]>([
    ['without a certificate', 'client1', undefined, {}],
    ['with the certificate of another', 'client1', 'client2', {}],
    ['with one that has expired', 'client1', 'expired', {}],
    ['with one of a foreign CA', 'client1', 'foreign', {}],
    ['with a secret that is wrong', 'partner1', undefined, { client_secret: 'wrong' }],
    ['without a secret', 'partner1', 'client1', {}],
    ['that nobody knows', 'toString', 'client1', {}],
  ])('a client %s gets no token: %s', async (_, clientId, certificate, form) => {
    const { issuer } = await startDev();
    const request = { grant_type: 'client_credentials', client_id: clientId, ...form };
    const { body } = await postTo(issuer, '/token', certificate).send(request).expect(401);
    expect(body).toMatchObject({ error: 'invalid_client' });
  });

  test('tokens are for the audiences that dev was given, and no other', async () => {
    const dev = await startDev('--audience', 'urn:one', '--audience', 'urn:two');
    const audienceOf = async (form: object): Promise<unknown> =>
      (
        JSON.parse(
          Buffer.from(
            (await tokenOf(dev, 'client1', 'client1', form)).split('.')[1] ?? '',
            'base64url',
          ).toString(),
        ) as { aud: unknown }
      ).aud;
    expect([await audienceOf({}), await audienceOf({ resource: 'urn:two' })]).toEqual(['urn:one', 'urn:two']);
    const form = { grant_type: 'client_credentials', client_id: 'client1', resource: 'urn:three' };
    const { body } = await postTo(dev.issuer, '/token', 'client1').send(form).expect(400);
    expect(body).toMatchObject({ error: 'invalid_target' });
  });

  test('what a server of dev cannot do is said by the error of OAuth that fits', async () => {
    const { issuer } = await startDev();
    const errorOf = async (request: supertest.Test, form: object): Promise<readonly unknown[]> => {
      const { status, body } = await request.send(form);
      return [status, (body as { readonly error?: unknown }).error];
    };
    const grant = { grant_type: 'client_credentials', client_id: 'client1' };
    const api = { client_id: 'api', client_secret: secretOf('api') };
    const ofClient1 = (path: string): supertest.Test => postTo(issuer, path, 'client1');
    expect(await errorOf(ofClient1('/nowhere'), grant)).toEqual([404, 'not_found']);
    expect(await errorOf(postTo(issuer, '/token'), { ...grant, ...api })).toEqual([
      400,
      'unauthorized_client',
    ]);
    const code = { ...grant, grant_type: 'authorization_code' };
    expect(await errorOf(ofClient1('/token'), code)).toEqual([400, 'unsupported_grant_type']);
    expect(await errorOf(ofClient1('/token').auth('x', { type: 'bearer' }), grant)).toEqual([
      401,
      'invalid_client',
    ]);
    expect(await errorOf(ofClient1('/token'), { grant_type: 'client_credentials' })).toEqual([
      401,
      'invalid_client',
    ]);
    expect(await errorOf(postTo(issuer, '/introspect'), api)).toEqual([400, 'invalid_request']);
    expect(await errorOf(ofClient1('/revoke'), { client_id: 'client1' })).toEqual([400, 'invalid_request']);
    await supertest(issuer).post('/token').ca(file('ca.crt')).expect(415);
  });

  test('RFC6749-5.1: the answer to a token request names the scope that was asked for', async () => {
    const dev = await startDev();
    const { body } = await postTo(dev.issuer, '/token', 'client1').send({
      grant_type: 'client_credentials',
      client_id: 'client1',
      scope: 'payments:read',
    });
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'payments:read', expires_in: 3600 });
  });

  test('RFC9449-5: a token request with something else than one proof for it gets no token', async () => {
    const { issuer } = await startDev();
    const client = await TestDpopClient.create();
    const proofFor = async (method: string): Promise<string> =>
      client.proof({ method, url: `${issuer}/token` });
    const one = await proofFor('POST');
    for (const proof of ['x', await proofFor('GET'), [one, await proofFor('POST')]]) {
      const request = postTo(issuer, '/token', 'client1').set('DPoP', proof as string);
      const { body } = await request
        .send({ grant_type: 'client_credentials', client_id: 'client1' })
        .expect(400);
      expect(body).toMatchObject({ error: 'invalid_dpop_proof' });
    }
    const { body } = await postTo(issuer, '/token', 'client1')
      .set('DPoP', one)
      .send({ grant_type: 'client_credentials', client_id: 'client1' })
      .expect(200);
    expect(body).toMatchObject({ token_type: 'DPoP' });
  });

  test('a form that is too large is answered by 413, and one that is none by 415', async () => {
    const { issuer } = await startDev();
    await postTo(issuer, '/token')
      .send({ x: 'y'.repeat(20_000) })
      .expect(413);
    await postTo(issuer, '/token').type('json').send({}).expect(415);
  });
});

describe('a browser that others make call the server of dev', () => {
  test.each(['rebound.example:PORT', 'localhost', 'localhost:1', 'localhost.:PORT', '127.0.0.1.nip.io:PORT'])(
    'a request for the host %s is refused, whatever it asks for',
    async (host) => {
      const { issuer, port } = await startDev();
      const named = host.replace('PORT', String(port));
      for (const path of ['/', '/jwks', '/none']) {
        // The certificate is for no such name, but people click warnings away.
        await supertest(issuer).get(path).disableTLSCerts().set('Host', named).expect(421);
      }
    },
  );

  test.each(['https://evil.example', 'null', 'http://localhost:PORT', 'https://localhost:1'])(
    'a form of the origin %s is refused at every endpoint',
    async (origin) => {
      const { issuer, port } = await startDev();
      for (const path of ['/mint', '/token', '/introspect', '/revoke']) {
        const request = postTo(issuer, path, 'client1').set('Origin', origin.replace('PORT', String(port)));
        await request.send({ grant_type: 'client_credentials', client_id: 'client1' }).expect(403);
      }
    },
  );

  test('a form of the page that has no Origin is refused', async () => {
    const { issuer } = await startDev();
    await postTo(issuer, '/mint').send({ binding: 'none', lifetime: 60 }).expect(403);
  });
});

describe('the page of dev', () => {
  const mint = (issuer: string, form: object): supertest.Test =>
    postTo(issuer, '/mint')
      .set('Origin', issuer)
      .send({ lifetime: '60', binding: 'client1', ...form });
  const tokenIn = (html: string): string => /readonly>([^<]+)</.exec(html)?.[1] ?? '';

  test('the page loads nothing, runs nothing and can be framed by nobody', async () => {
    const { issuer } = await startDev();
    const { headers, text } = await supertest(issuer).get('/').ca(file('ca.crt')).expect(200);
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(text).not.toMatch(/<script|src=|https?:\/\/(?!api\.example\.com)/);
  });

  test('RFC8705-1: a token that was minted by hand is bound to the certificate that was chosen', async () => {
    const dev = await startDev();
    const app = await startApi(dev, PLATFORMS[0] ?? 'express');
    const token = tokenIn((await mint(dev.issuer, { binding: 'client2', scope: 'a b' }).expect(200)).text);
    expect((await getFrom(app, token, 'client2').expect(200)).body).toMatchObject({ scopes: ['a', 'b'] });
    await getFrom(app, token, 'client1').expect(401);
    const unbound = tokenIn((await mint(dev.issuer, { binding: 'none' }).expect(200)).text);
    await getFrom(app, unbound, 'client1').expect(401);
    const expired = tokenIn((await mint(dev.issuer, { lifetime: '-60' }).expect(200)).text);
    await getFrom(app, expired, 'client1').expect(401);
  });

  test('RFC7800-3: a token that was minted by hand is bound to the thumbprint of a key or of a certificate, JWT or not', async () => {
    const { issuer } = await startDev();
    const thumbprint = 'x'.repeat(42) + 'A';
    const bound = { binding: 'thumbprint', thumbprint };
    const jwt = tokenIn((await mint(issuer, { ...bound, method: 'jkt' }).expect(200)).text);
    const claims: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ cnf: { jkt: thumbprint } });
    const opaque = tokenIn((await mint(issuer, { ...bound, format: 'opaque' }).expect(200)).text);
    const { body } = await postTo(issuer, '/introspect')
      .send({ client_id: 'api', client_secret: secretOf('api'), token: opaque })
      .expect(200);
    expect(body).toMatchObject({ active: true, cnf: { 'x5t#S256': thumbprint } });
  });

  test.each([
    [{ binding: 'thumbprint', thumbprint: '<script>' }, 'thumbprint'],
    [{ lifetime: undefined }, 'seconds'],
    [{ lifetime: '1e9' }, 'seconds'],
    [{ lifetime: '' }, 'seconds'],
    [{ binding: 'somebody' }, 'binds'],
    [{ audience: '"><script>' }, 'audience'],
  ])('a form that is wrong says what is: %o', async (form, fault) => {
    const { issuer } = await startDev();
    const { text } = await mint(issuer, form).expect(400);
    expect(text).toContain(fault);
    expect(text).not.toContain('<script>');
  });

  test('what the page shows of the command line is escaped', async () => {
    const { issuer } = await startDev('--audience', '"><script>alert(1)</script>');
    const { text } = await supertest(issuer).get('/').ca(file('ca.crt')).expect(200);
    expect(text).toContain('&quot;&gt;&lt;script&gt;');
    expect(text).not.toContain('<script>');
  });
});
