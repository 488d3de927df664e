import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { whenOver, type World } from './world.js';

/**
 * Starts an introspection endpoint that answers in its own way, until the test is over.
 * @param answer answers about a token
 * @returns its URL
 */
export async function startIntrospectionEndpoint(
  { server: { key, cert } }: World,
  answer: (token: string, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer({ key, cert }, (request, response) => {
    void text(request).then((body) => answer(new URLSearchParams(body).get('token') ?? '', response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  whenOver(async () => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  return `https://localhost:${(server.address() as AddressInfo).port}/introspect`;
}
