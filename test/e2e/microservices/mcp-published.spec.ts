import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { INestApplication } from '@nestjs/common';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Agent, fetch as undiciFetch } from 'undici';
import { expect, test } from 'vitest';
import { createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';

/** That of undici takes a dispatcher of ours. */
const send = undiciFetch as unknown as typeof fetch;
const root = new URL('../../../', import.meta.url).pathname;
const world = await createWorld();

/** What the published programs are given instead of their own files, servers and ports. */
interface Given {
  readonly options: object;
  readonly nest: object;
  readonly folder: string;
  readonly started: (app: INestApplication) => void;
}

type Replacements = readonly (readonly [published: string | RegExp, instead: string])[];

/** Runs the programs of a page: each block of code that begins with the name of its file. */
async function run(
  page: string,
  main: string,
  replacements: Replacements,
): Promise<{
  as: TestAuthorizationServer;
  connect: (token?: string, certificate?: TestCertificate) => Promise<Client>;
}> {
  const as = await startAuthorizationServer(world);
  mkdirSync(join(root, 'test/docs/.samples'), { recursive: true });
  const folder = mkdtempSync(join(root, 'test/docs/.samples/mcp-'));
  whenOver(async () => rmSync(folder, { recursive: true }));
  for (const [, text = '', name = ''] of page.matchAll(
    /```(?:ts|typescript)\n(\/\/ (\S+\.ts)\n[\s\S]*?)```/g,
  )) {
    let program = text;
    for (const [published, instead] of replacements) program = program.replaceAll(published, instead);
    writeFileSync(join(folder, name), program);
  }
  for (const [name, content] of [
    ['server.key', world.server.key],
    ['server.crt', world.server.cert],
    ['clients-ca.crt', world.ca.cert],
  ] as const)
    writeFileSync(join(folder, name), content);
  let resolve: (app: INestApplication) => void = () => undefined;
  const promise = new Promise<INestApplication>((started) => (resolve = started));
  const given: Given = {
    options: as.moduleOptions,
    nest: { httpsOptions: tlsOf(world), logger: false },
    folder,
    started: resolve,
  };
  Object.assign(globalThis, { given });
  await import(/* @vite-ignore */ join(folder, main));
  const app = await promise;
  whenOver(async () => app.close());
  const { port } = app.getHttpServer().address() as { readonly port: number };
  return {
    as,
    connect: async (token, { key, cert } = world.client1) => {
      const dispatcher = new Agent({ connect: { key, cert, ca: world.ca.cert } });
      whenOver(async () => dispatcher.destroy());
      const client = new Client({ name: 'test', version: '1' });
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`https://localhost:${port}/mcp`), {
          fetch: async (url, init) => send(url, { ...init, dispatcher } as object),
          requestInit: { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
        }),
      );
      return client;
    },
  };
}

const LISTENS = [/app\.listen\(\d+\)/g, "app.listen(0, '127.0.0.1').then(() => given.started(app))"] as const;

const textOf = ({ content }: { readonly content?: unknown }): unknown =>
  (content as readonly { readonly text?: string }[] | undefined)?.[0]?.text;

test("INV12: mcp-nest's published quick start, with the module added by one line, runs nothing without a bound token", async () => {
  const require = createRequire(import.meta.url);
  const readme = join(dirname(require.resolve('@rekog/mcp-nest')), '../README.md');
  const start = readFileSync(readme, 'utf8').split('## Quick Start')[1]?.split('\n## ')[0] ?? '';
  const { as, connect } = await run(start, 'main.ts', [
    [
      "import { Module } from '@nestjs/common';",
      "import { Module } from '@nestjs/common';\nimport { CertBoundAuthModule } from 'nestjs-cert-bound-auth';",
    ],
    ['@Module({', '@Module({\n  imports: [CertBoundAuthModule.forRoot(given.options)],'],
    ['NestFactory.create(AppModule)', 'NestFactory.create(AppModule, given.nest)'],
    LISTENS,
  ]);
  const token = await as.accessToken({ certificate: world.client1 });
  await expect(connect()).rejects.toThrow();
  await expect(connect(token, world.client2)).rejects.toThrow();
  const client = await connect(token);
  expect(textOf(await client.callTool({ name: 'greeting-tool', arguments: {} }))).toBe('Hello, World!');
});

test('the server of docs/mcp.md runs as it stands, and lists and runs for each token what it may', async () => {
  const page = readFileSync(join(root, 'docs/mcp.md'), 'utf8');
  const { as, connect } = await run(page, 'main.ts', [
    [/audience: '[^']*',\n\s*authorizationServers: \[[^\]]*\],/g, '...given.options,'],
    ["readFileSync('", "readFileSync(given.folder + '/"],
    LISTENS,
  ]);
  const poor = await as.accessToken({ certificate: world.client1, scope: 'other' });
  const rich = await as.accessToken({
    certificate: world.client1,
    scope: 'payments:write',
    subject: 'alice',
  });
  await expect(connect()).rejects.toThrow();
  await expect(connect(rich, world.client2)).rejects.toThrow();
  const [one, other] = [await connect(poor), await connect(rich)];
  expect((await one.listTools()).tools.map(({ name }) => name)).toEqual(['rates']);
  expect(await one.callTool({ name: 'pay', arguments: { amount: '5' } })).toMatchObject({ isError: true });
  expect(textOf(await other.callTool({ name: 'rates', arguments: {} }))).toBe('1.08');
  expect(textOf(await other.callTool({ name: 'pay', arguments: { amount: '5' } }))).toBe('5 paid by alice');
});
