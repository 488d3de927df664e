import { once } from 'node:events';
import { connect, createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { serveSignals } from '../../lib/nest/shared-signals/serve-signals.js';
import type { NodeRequest } from '../../lib/request/http-request.js';
import { LogoutEndpoint } from '../../lib/shared-signals/logout-endpoint.js';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function startServer(): Promise<Http2Server> {
  const serve = serveSignals(new LogoutEndpoint('/logout', new Map()));
  const server = createServer((request, response) => {
    serve(request as unknown as NodeRequest, response as unknown as Parameters<typeof serve>[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => server.close());
  return server;
}

test('RFC9113-8.1: a stream whose request goes on for too long is ended with its answer', async () => {
  const server = await startServer();
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  open.push(() => session.destroy());
  const stream = session.request({
    ':method': 'POST',
    ':path': '/logout',
    'content-type': 'application/x-www-form-urlencoded',
  });
  let body = '';
  stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
  // It says nothing of its end.
  stream.write('x'.repeat(70_000));
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  await once(stream, 'close');
  expect([headers[':status'], stream.rstCode]).toEqual([400, 0]);
  expect(JSON.parse(body)).toMatchObject({ error: 'invalid_request' });
});
