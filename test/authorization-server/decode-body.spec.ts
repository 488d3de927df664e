import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HttpAnswer } from '../../lib/authorization-server/http-call.js';
import { createWorld, whenOver, type World } from '../support/world.js';
import { httpOf } from './http-of.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

const JSON_TEXT = JSON.stringify({ active: true, username: 'Zoë' });
const LIMIT = 10_000;

/** What comes of an answer with this body and these headers. */
async function fetched(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  status = 200,
): Promise<HttpAnswer> {
  const server = createServer((_, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  whenOver(async () => server.close());
  const { port } = server.address() as AddressInfo;
  const http = httpOf(world, { allowLoopbackHttp: true, maxResponseSize: LIMIT });
  return http.call(`http://127.0.0.1:${port}/`, { purpose: 'introspection', method: 'POST', headers: {} });
}

const nonsense = (detail: string): object => ({
  refusal: { status: 503 },
  reason: 'authorization_server_answer_invalid',
  detail: expect.stringContaining(detail),
});

describe('a compressed answer of an authorization server', () => {
  test.each([
    ['gzip', gzipSync(JSON_TEXT)],
    ['x-gzip', gzipSync(JSON_TEXT)],
    ['GZIP', gzipSync(JSON_TEXT)],
    ['br', brotliCompressSync(JSON_TEXT)],
    ['deflate', deflateSync(JSON_TEXT)],
    ['identity', Buffer.from(JSON_TEXT)],
  ])('RFC9110-8.4: an answer in the coding %s is read', async (coding, body) => {
    expect(await fetched(body, { 'content-encoding': coding })).toMatchObject({ body: JSON_TEXT });
  });

  test('an answer in the coding deflate is read without its frame as well, for some servers leave it out', async () => {
    expect(await fetched(deflateRawSync(JSON_TEXT), { 'content-encoding': 'deflate' })).toMatchObject({
      body: JSON_TEXT,
    });
  });

  test('an empty body is empty in every coding', async () => {
    expect(await fetched(Buffer.alloc(0), { 'content-encoding': 'gzip' })).toMatchObject({ body: '' });
  });

  test('INV5: no answer takes more memory than maxResponseSize when it is decoded', async () => {
    const bytes = (count: number): Buffer => gzipSync('x'.repeat(count));
    expect((await fetched(bytes(LIMIT), { 'content-encoding': 'gzip' })).body).toHaveLength(LIMIT);
    await expect(fetched(bytes(LIMIT + 1), { 'content-encoding': 'gzip' })).rejects.toMatchObject(
      nonsense(`decoded, it has more than ${LIMIT} bytes`),
    );
    const bomb = brotliCompressSync(Buffer.alloc(50_000_000));
    await expect(fetched(bomb, { 'content-encoding': 'br' })).rejects.toMatchObject(
      nonsense('decoded, it has more'),
    );
  });

  test.each([
    ['a coding that was not asked for', 'zstd', gzipSync(JSON_TEXT), 'its Content-Encoding is "zstd"'],
    ['two codings', 'gzip, br', gzipSync(JSON_TEXT), 'its Content-Encoding is "gzip, br"'],
    ['a body that is broken off', 'gzip', gzipSync(JSON_TEXT).subarray(0, -9), 'it cannot be decoded'],
    ['a body in no coding at all', 'gzip', Buffer.from(JSON_TEXT), 'it cannot be decoded'],
  ])(
    'INV3: an answer with %s makes no sense, and is no outage of the server',
    async (_, coding, body, detail) => {
      await expect(fetched(body, { 'content-encoding': coding })).rejects.toMatchObject(nonsense(detail));
    },
  );

  test.each([
    ['zstd', gzipSync(JSON_TEXT)],
    ['gzip', Buffer.from(JSON_TEXT)],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
  ])(
    'a status that is not 200 counts, whatever is wrong with a body in the coding %s',
    async (coding, body) => {
      expect(await fetched(body, { 'content-encoding': coding }, 503)).toMatchObject({
        status: 503,
        body: '',
      });
    },
  );

  test('an error whose body is compressed is read as every other', async () => {
    const headers = { 'content-encoding': 'gzip' };
    expect(await fetched(gzipSync(JSON_TEXT), headers, 400)).toMatchObject({ status: 400, body: JSON_TEXT });
  });
});
