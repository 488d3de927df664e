import { Controller, Get, type INestApplication } from '@nestjs/common';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AuthorizationServerOptions } from 'nestjs-cert-bound-auth';
import supertest from 'supertest';
import ts from 'typescript';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ResolvedOptions, resolveOptions } from '../../lib/options/resolve-options.js';
import { startSampleApi } from '../sample/support/api.js';
import { startSampleAuthorizationServer } from '../sample/support/authorization-server.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import {
  clientOf,
  createWorld,
  startApi,
  startAuthorizationServer,
  tlsOf,
  whenOver,
  type World,
} from '../support/world.js';
import { extract, samplesOf } from './extract.js';

const root = new URL('../../', import.meta.url).pathname;
const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));
const folders = documents.map((document) => extract(document));
const [readme = ''] = folders;
const settings = folderOf('docs/authorization-servers.md');

function folderOf(document: string): string {
  return folders[documents.indexOf(document)] ?? '';
}

test('every sample in every document compiles', () => {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = documents.flatMap((document, index) =>
    samplesOf(document).map(({ name }) => join(folders[index] ?? '', name)),
  );
  expect(files.length).toBeGreaterThan(5);
  // Declares what passport-http-bearer has no types for.
  const declarations = join(root, 'lib/nest/passport-http-bearer.d.ts');
  const program = ts.createProgram([...files, declarations], options);
  const errors = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    return `${file?.fileName}:${line} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(errors).toEqual([]);
  // The compiler reads the types of every library that a sample uses.
}, 120_000);

test('every link to a file leads to that file', () => {
  const dead = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, link = '']) => link);
    return links.filter((link) => !existsSync(join(root, dirname(document), link)));
  });
  expect(dead).toEqual([]);
});

test('every link to a heading leads to that heading', () => {
  const dead = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)];
    return links
      .map(([, file = '', heading = '']) => ({ file, heading }))
      .filter(({ file, heading }) => {
        const path = file === '' ? document : join(dirname(document), file);
        return !headingsOf(readFileSync(join(root, path), 'utf8')).includes(heading);
      });
  });
  expect(dead).toEqual([]);
});

/** The headings of a document as links name them. */
function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

test('every script that a document names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  const texts = [...documents, 'CONTRIBUTING.md'].map((document) =>
    readFileSync(join(root, document), 'utf8'),
  );
  const named = texts.flatMap((text) => [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name));
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('the settings for Jest in docs/testing.md are those of the matrix', () => {
  const [, json = ''] =
    /^```json\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, 'docs/testing.md'), 'utf8')) ?? [];
  const tested = readFileSync(join(root, 'test/package/apps/cjs-nest11/test/jest-e2e.json'), 'utf8');
  expect(JSON.parse(tested)).toMatchObject(JSON.parse(json) as object);
});

describe("the README's end-to-end test", async () => {
  await import(join(readme, 'payments.e2e-spec.ts'));
});

describe('the end-to-end test of proofs in docs/testing.md', async () => {
  await import(join(folderOf('docs/testing.md'), 'dpop.e2e-spec.ts'));
});

describe('the end-to-end test on Fastify in docs/testing.md', async () => {
  await import(join(folderOf('docs/testing.md'), 'fastify.e2e-spec.ts'));
});

describe('the end-to-end test without TLS in docs/testing.md', async () => {
  await import(join(folderOf('docs/testing.md'), 'stand-in.e2e-spec.ts'));
});

test('the samples of docs/testing.md run', async () => {
  const folder = folderOf('docs/testing.md');
  const { thumbprints } = (await import(join(folder, 'certificates.ts'))) as {
    thumbprints: readonly string[];
  };
  expect(new Set(thumbprints).size).toBe(4);
  const { seen } = (await import(join(folder, 'tokens.ts'))) as { seen: number };
  expect(seen).toBe(11);
});

/** Makes `fetch` trust a CA for the length of a test. */
function trust(ca: string): void {
  const before = getGlobalDispatcher();
  const agent = new Agent({ connect: { ca } });
  setGlobalDispatcher(agent);
  whenOver(async () => {
    setGlobalDispatcher(before);
    await agent.close();
  });
}

test.each(['client-oauth4webapi.ts', 'client-openid-client.ts'])(
  'RFC9449-6: the client %s of docs/dpop.md gets through, nonce included',
  async (sample) => {
    const as = await startSampleAuthorizationServer();
    whenOver(async () => as.stop());
    const { app, apiUrl, ca } = await startSampleApi('express', as);
    whenOver(async () => app.close());
    trust(ca);
    const { accounts } = (await import(join(folderOf('docs/dpop.md'), sample))) as {
      accounts: (issuer: URL, api: URL, clientSecret: string) => Promise<unknown>;
    };
    expect(await accounts(new URL(as.issuer), new URL(apiUrl), as.partnerSecret)).toHaveLength(2);
    await expect(accounts(new URL(as.issuer), new URL(apiUrl), 'wrong')).rejects.toThrow();
  },
);

describe.each(PLATFORMS)('the settings of docs/authorization-servers.md on %s', (platform) => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });

  @Controller()
  class UserController {
    @Get() get(): string {
      return 'ok';
    }
  }

  /** Starts an API with settings of that page, whose issuer alone is replaced. */
  async function start(server: AuthorizationServerOptions, issuer: string): Promise<INestApplication> {
    const authorizationServers = [{ ...server, issuer, tls: { ca: world.ca.cert } }];
    return startApi(world, platform, { issuer }, [UserController], { options: { authorizationServers } });
  }

  test('the settings fit tokens as Keycloak makes them', async () => {
    const { keycloak } = (await import(join(settings, 'keycloak-and-entra-id.ts'))) as {
      keycloak: AuthorizationServerOptions;
    };
    const as = await startAuthorizationServer(world, { path: '/realms/bank', discovery: 'openid' });
    const app = await start(keycloak, as.issuer);
    const claims = {
      client_id: undefined,
      azp: 'app',
      typ: 'Bearer',
      acr: '1',
      sid: 's',
      realm_access: { roles: [] },
    };
    const header = { typ: 'JWT' };
    const token = await as.accessToken({
      certificate: world.client1,
      claims,
      header,
      scope: 'email profile',
    });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await clientOf(app, world, world.client2, token).get('/').expect(401);
    const idToken = await as.accessToken({
      certificate: world.client1,
      claims: { ...claims, typ: 'ID' },
      header,
    });
    await clientOf(app, world, world.client1, idToken).get('/').expect(401);
  });

  test('the settings for lightweight tokens of Keycloak look them up, for they say little themselves', async () => {
    const { lightweight } = (await import(join(settings, 'keycloak-lightweight.ts'))) as {
      lightweight: (clientSecret: string) => AuthorizationServerOptions;
    };
    const introspectionClient = { clientId: 'orders-api', clientSecret: 's' };
    const as = await startAuthorizationServer(world, { discovery: 'openid', introspectionClient });
    const certificate = world.client1;
    const shared = { client_id: undefined, typ: 'Bearer', azp: 'app', sid: 's' };
    const token = await as.accessToken({
      certificate,
      claims: { ...shared, aud: undefined, sub: undefined },
      header: { typ: 'JWT' },
    });
    as.answerIntrospection(token, {
      active: true,
      ...shared,
      token_type: 'Bearer',
      iss: as.issuer,
      aud: ['orders-api', 'https://api.example.com'],
      sub: 'user-1',
      exp: Math.floor(Date.now() / 1000) + 60,
      cnf: { 'x5t#S256': certificate.thumbprint },
    });
    const app = await start(lightweight('s'), as.issuer);
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await clientOf(app, world, world.client2, token).get('/').expect(401);
  });

  test('the settings fit tokens as Entra ID makes them', async () => {
    const { entraId } = (await import(join(settings, 'keycloak-and-entra-id.ts'))) as {
      entraId: AuthorizationServerOptions;
    };
    const as = await startAuthorizationServer(world, {
      path: '/tenant/v2.0',
      discovery: 'openid',
      algorithm: 'RS256',
    });
    const app = await start(entraId, as.issuer);
    const claims = {
      client_id: undefined,
      jti: undefined,
      azp: 'app',
      azpacr: '2',
      uti: 'u',
      ver: '2.0',
      scp: 'a b',
    };
    const audience = entraId.audience as string;
    const token = await as.accessToken({
      certificate: world.client1,
      audience,
      claims,
      header: { typ: 'JWT' },
    });
    await clientOf(app, world, world.client1, token).get('/').expect(200);
    await clientOf(app, world, world.client2, token).get('/').expect(401);
  });
});

test('the settings for start-dev of Keycloak are right, and without allowLoopbackHttp the boot error names it', async () => {
  const { development } = (await import(join(settings, 'keycloak-start-dev.ts'))) as {
    development: AuthorizationServerOptions;
  };
  const resolve = (server: AuthorizationServerOptions): ResolvedOptions =>
    resolveOptions({ audience: 'api', authorizationServers: [server] });
  expect(resolve(development).authorizationServers).toHaveLength(1);
  const { http: _, ...strict } = development;
  expect(() => resolve(strict)).toThrow('http.allowLoopbackHttp');
  const elsewhere = { ...development, issuer: 'http://keycloak:8080/realms/bank' };
  expect(() => resolve(elsewhere)).toThrow('in a private network too');
});

test("the README's module boots as it stands", async () => {
  const { AppModule } = (await import(join(readme, 'app.module.ts'))) as { AppModule: object };
  const world = await createWorld();
  const app = await startApp('express', AppModule, tlsOf(world));
  whenOver(async () => app.close());
  await clientOf(app, world).get('/payments/health').expect(200);
  await clientOf(app, world).get('/payments').expect(401);
});

test("the module of docs/dpop.md boots as it stands, without a client's certificate, and asks for a proof", async () => {
  const { AppModule } = (await import(join(folderOf('docs/dpop.md'), 'app.module.ts'))) as {
    AppModule: object;
  };
  const app = await startApp('express', AppModule);
  whenOver(async () => app.close());
  const { headers } = await supertest(app.getHttpServer() as never)
    .get('/payments')
    .expect(401);
  expect(headers['www-authenticate']).toMatch(/^Bearer, DPoP algs="ES256 /);
});
