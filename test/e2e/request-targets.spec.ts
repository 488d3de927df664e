import { Controller, Get, type INestApplication, Param } from '@nestjs/common';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { Public } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { PUBLIC_URL, startDpopApi } from '../support/dpop.js';
import { PLATFORMS } from '../support/platforms.js';
import { createWorld, type World } from '../support/world.js';

/** Says which handler ran, and what it got: once for everybody, and once for who proves its key. */
@Controller()
class Routes {
  @Get('files/:name') file(@Param('name') name: string): string {
    return JSON.stringify({ file: name });
  }

  @Get('files/:folder/:name') nested(@Param('folder') folder: string, @Param('name') name: string): string {
    return JSON.stringify({ folder, name });
  }

  @Public() @Get('open/:name') openFile(@Param('name') name: string): string {
    return JSON.stringify({ file: name });
  }

  @Public() @Get('open/:folder/:name') openNested(
    @Param('folder') folder: string,
    @Param('name') name: string,
  ): string {
    return JSON.stringify({ folder, name });
  }
}

let world: World;
let client: TestDpopClient;
beforeAll(async () => {
  world = await createWorld();
  client = await TestDpopClient.create();
});

/** An answer as it came: its status, and its body. */
type Answer = readonly [status: number, body: string];

/** Sends a request whose target is these very octets, which no HTTP client would send. */
async function send(app: INestApplication, target: string, headers: object = {}): Promise<Answer> {
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const socket = connect({ host: '127.0.0.1', port, ca: world.ca.cert, servername: 'localhost' });
  await once(socket, 'secureConnect');
  const lines = Object.entries({ Host: 'api.example.com', Connection: 'close', ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\n${head}\r\n`, 'latin1'));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('latin1');
  return [Number(text.slice(9, 12)), /\{.*\}/s.exec(text)?.[0] ?? ''];
}

interface Case {
  /** Behind `/files` or `/open`. */
  readonly target: string;
  /** What a proof would name, behind the same. */
  readonly htu: string;
}

/** Read alike by both routers, and by whoever made the proof. */
const CERTAIN: readonly (Case & { readonly routed: object })[] = [
  { target: '/a', htu: '/a', routed: { file: 'a' } },
  { target: '/a?b=c', htu: '/a', routed: { file: 'a' } },
  { target: '/a/b', htu: '/a/b', routed: { folder: 'a', name: 'b' } },
  { target: '/a%2Fb', htu: '/a%2Fb', routed: { file: 'a/b' } },
  { target: '/a%5Cb', htu: '/a%5cb', routed: { file: 'a\\b' } },
  { target: '/a%23b', htu: '/a%23b', routed: { file: 'a#b' } },
  { target: '/a%3Fb', htu: '/a%3Fb', routed: { file: 'a?b' } },
  { target: '/%C3%A9', htu: '/%c3%a9', routed: { file: 'Ã©' } },
  { target: '/a|b', htu: '/a%7Cb', routed: { file: 'a|b' } },
  { target: '/a;b', htu: '/a;b', routed: { file: 'a;b' } },
  { target: '/..a', htu: '/..a', routed: { file: '..a' } },
];

/** Targets for which no proof is right, whatever it names. */
const UNCERTAIN: readonly Case[] = [
  { target: '/a\\secret#', htu: '/a%5Csecret' },
  { target: '/a\\secret#', htu: '/a/secret' },
  { target: '/a\\secret', htu: '/a%5Csecret' },
  { target: '/a\\secret?b', htu: '/a/secret' },
  { target: '/a#b', htu: '/a' },
  { target: '/a?b#c', htu: '/a' },
  { target: '/a#/b', htu: '/a/b' },
  { target: '/a\u00a0', htu: '/a%A0' },
  { target: '/a\u00a0', htu: '/a' },
  { target: '/\u00c3\u00a9', htu: '/%C3%A9' },
  { target: '/a/../b', htu: '/b' },
  { target: '/a/..', htu: '' },
  { target: '/a/%2e%2E/b', htu: '/b' },
  { target: '/a/.', htu: '/a/' },
  { target: '/a%', htu: '/a%' },
  { target: '/a%zz', htu: '/a%zz' },
];

describe.each(PLATFORMS)('RFC9449-2: the target of a request on %s', (platform) => {
  const start = async (): Promise<{
    readonly app: INestApplication;
    readonly prove: (htu: string) => Promise<object>;
  }> => {
    const { app, as } = await startDpopApi(world, platform, [Routes]);
    const token = await as.accessToken({ dpop: client });
    return { app, prove: async (htu) => client.headers({ url: PUBLIC_URL, token, claims: { htu } }) };
  };

  test('that every parser reads alike leads to what its proof names', async () => {
    const { app, prove } = await start();
    for (const { target, htu, routed } of CERTAIN) {
      const [status, body] = await send(app, `/files${target}`, await prove(`${PUBLIC_URL}/files${htu}`));
      expect([target, status, JSON.parse(body)]).toEqual([target, 200, routed]);
      expect(await send(app, `/open${target}`), target).toEqual([200, body]);
    }
    const absolute = await send(app, `${PUBLIC_URL}/files/a`, await prove(`${PUBLIC_URL}/files/a`));
    expect(absolute).toEqual([200, '{"file":"a"}']);
  });

  test.each(UNCERTAIN)('$target is named by no proof: not by one for $htu', async ({ target, htu }) => {
    const { app, prove } = await start();
    const [status] = await send(app, `/files${target}`, await prove(`${PUBLIC_URL}/files${htu}`));
    expect([400, 401, 404]).toContain(status);
    // Where the router finds a handler, it is the proof that is refused.
    if ((await send(app, `/open${target}`))[0] === 200) expect(status).toBe(401);
  });

  test.each([
    '//files/a',
    '//api.example.com/files/a',
    '/\\files/a',
    'https://user@api.example.com/files/a',
    'https://api.example.com//files/a',
    'https://api.example.com\\files/a',
    'https://api.example.com:x/files/a',
    'files/a',
    '*',
  ])('%s is named by no proof', async (target) => {
    const { app, prove } = await start();
    for (const htu of ['/files/a', '//files/a']) {
      const [status] = await send(app, target, await prove(`${PUBLIC_URL}${htu}`));
      expect([400, 401, 404], htu).toContain(status);
    }
  });
});
