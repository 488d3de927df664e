import { All, Controller, Get, type INestApplication, Param } from '@nestjs/common';
import { array, assert, asyncProperty, constantFrom, tuple } from 'fast-check';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { targetUriOf } from '../../lib/dpop/target-uri.js';
import { requestPathOf } from '../../lib/request/http-request.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { whenOver } from '../support/world.js';

/** Says which handler ran, and what it got. */
@Controller('open')
class Routes {
  @Get(':name') one(@Param('name') name: string): string {
    return JSON.stringify(['one', name]);
  }
  @Get(':folder/:name') two(@Param('folder') folder: string, @Param('name') name: string): string {
    return JSON.stringify(['two', folder, name]);
  }
  @All(':top/:folder/:name') three(
    @Param('top') top: string,
    @Param('folder') folder: string,
    @Param('name') name: string,
  ): string {
    return JSON.stringify(['three', top, folder, name]);
  }
}

const HEADS = ['/open/', '/open', '//open/', '/x/../open/', 'https://h/open/', 'http://h.x:8/open/', ''];
const PARTS = [
  String.raw`/ // a open . .. \ ? # ; : @ % | ^ " ' < { [ * + & = ~ ! $ ( , https://h`,
  '%2e %2E%2e %2f %5c %00 %0d%0a %20 %23 %25 %252e %3b %3f %41 %7e %C3%A9 %c0%ae %ff %e2%80%8b %zz',
  '\t \u007f \u0085 \u00a0 \u00e9',
].flatMap((parts) => parts.split(' '));
const targets = tuple(
  constantFrom(...HEADS),
  array(constantFrom(...PARTS), { minLength: 1, maxLength: 5 }),
).map(([head, parts]) => head + parts.join(''));

/** What the handler has got; `undefined` where none ran. */
async function routed(app: INestApplication, target: string): Promise<string | undefined> {
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`, 'latin1'));
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) text += String(chunk);
  return text.startsWith('HTTP/1.1 200') ? /\["(?:one|two|three)".*\]/.exec(text)?.[0] : undefined;
}

const BASE = 'https://api.example.com';

describe.each(PLATFORMS)('RFC9449-2: request targets of any spelling on %s', (platform) => {
  test('what a proof names for a target is routed as the target itself', async () => {
    class App {}
    const app = await startApp(platform, { module: App, controllers: [Routes] });
    whenOver(async () => app.close());
    let compared = 0;
    await assert(
      asyncProperty(targets, async (target) => {
        const path = requestPathOf({ originalUrl: target });
        const named = path === undefined ? undefined : targetUriOf(BASE, path);
        if (named === undefined) return;
        const got = await routed(app, target);
        if (got === undefined) return;
        compared += 1;
        expect(await routed(app, named.slice(BASE.length))).toBe(got);
      }),
      { numRuns: 1_500 },
    );
    expect(compared).toBeGreaterThan(100);
  });
});
