import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { BodyError, readBody } from '../../lib/shared-signals/read-body.js';

const open: (Server | Socket)[] = [];
afterEach(() => {
  for (const each of open.splice(0)) {
    if ('destroy' in each) each.destroy();
    else each.close();
  }
});

/** A request of which this much has come, and whose sender is still there. */
async function begun(body: string): Promise<{ readonly received: IncomingMessage; readonly sender: Socket }> {
  const server = createServer();
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const arrived = new Promise<IncomingMessage>((resolve) => server.once('request', resolve));
  const sender = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  open.push(sender);
  sender.on('error', () => undefined);
  sender.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n${body}`);
  return { received: await arrived, sender };
}

test('a body that does not come in time is not waited for', async () => {
  const { received } = await begun('half');
  const failed = readBody(received, { size: 100, time: 20 });
  await expect(failed).rejects.toThrow(BodyError);
  await expect(failed).rejects.toMatchObject({ status: 408 });
});

test('a body whose sender hangs up is not waited for', async () => {
  const { received, sender } = await begun('half');
  const failed = readBody(received, { size: 100, time: 30_000 });
  sender.destroy();
  await expect(failed).rejects.toMatchObject({ status: 408 });
});

test('a body that says it is too large is not even begun', async () => {
  const { received } = await begun('');
  await expect(readBody(received, { size: 49, time: 30_000 })).rejects.toMatchObject({ status: 413 });
});

test('a body of the greatest size is read as a whole', async () => {
  const { received, sender } = await begun('x'.repeat(20));
  const read = readBody(received, { size: 50, time: 30_000 });
  sender.write('y'.repeat(30));
  expect(await read).toBe('x'.repeat(20) + 'y'.repeat(30));
});

test('a body that comes byte by byte is read as a whole, in its order', async () => {
  const server = createServer();
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const read = new Promise<string>((resolve) =>
    server.once('request', (request) => resolve(readBody(request, { size: 1_000, time: 30_000 }))),
  );
  const sender = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  open.push(sender);
  const bytes = Array.from({ length: 500 }, (_, index) => String(index % 10));
  const chunks = bytes.map((byte) => `1\r\n${byte}\r\n`).join('');
  sender.write(`POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  expect(await read).toBe(bytes.join(''));
});
