import type { INestApplication } from '@nestjs/common';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { whenOver, type World } from './world.js';

/** Opens the stream at `/events` with this token and the certificate of client 1, and reads it on until the test is over. */
export async function openEvents(
  app: INestApplication,
  { ca, client1: { key, cert } }: World,
  token: string,
): Promise<IncomingMessage> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const headers = { authorization: `Bearer ${token}` };
  const sent = request({ host: '127.0.0.1', port, path: '/events', ca: ca.cert, key, cert, headers });
  sent.on('error', () => undefined).end();
  whenOver(async () => sent.destroy());
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response;
}
