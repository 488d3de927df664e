/** Bare Node: gives one answer to every request, with nothing decided. The measure of what a decision costs. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer } from './answer.js';

const { status, headers, body } = JSON.parse(process.argv[2] ?? '{}') as Answer;
const names = [...headers.flat(), 'Content-Length', String(Buffer.byteLength(body))];

const server = createServer({ maxHeaderSize: 65_536, keepAliveTimeout: 3_600_000 }, (_request, response) => {
  response.writeHead(status, names).end(body);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
