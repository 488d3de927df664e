import { IncomingMessage } from 'node:http';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { optionsFor, startEndpoint, WAYS } from './support/endpoint.js';

let world: World;
let client: TestDpopClient;
beforeAll(async () => {
  world = await createWorld();
  client = await TestDpopClient.create();
});

/** What a function of an app may read of a request, as Node has it. */
function seenOf(request: unknown): object {
  const { method, url, httpVersion, headers, socket } = request as IncomingMessage;
  const isNodes = request instanceof IncomingMessage;
  return { isNodes, method, url, httpVersion, host: headers.host, peer: socket.remoteAddress };
}

const SEEN = {
  isNodes: true,
  method: 'PUT',
  url: '/a?b=c',
  httpVersion: '1.1',
  host: 'api.example.com',
  peer: '127.0.0.1',
};

describe.each(WAYS)('functions of the app whose endpoint is served by %s', (way) => {
  const question = { method: 'PUT', uri: '/a?b=c', headers: { host: 'api.example.com' } };

  test('a function that finds certificates gets the request of the client, with all that Node has of the one that asks', async () => {
    const as = await startAuthorizationServer(world);
    const seen: object[] = [];
    const find = (request: unknown): string => {
      seen.push(seenOf(request));
      return world.client1.cert;
    };
    const clientCertificate = { from: 'custom', find, trust: 'any' } as const;
    const endpoint = await startEndpoint(way, optionsFor(world, as, { clientCertificate }));
    const token = await as.accessToken({ certificate: world.client1 });
    const { status } = await endpoint.ask('any', { ...question, token });
    expect([status, seen]).toEqual([200, [SEEN]]);
  });

  test('a function that tells the public URL gets the request of the client, with all that Node has of the one that asks', async () => {
    const as = await startAuthorizationServer(world);
    const seen: object[] = [];
    const publicUrl = (request: unknown): string => {
      seen.push(seenOf(request));
      return 'https://api.example.com';
    };
    const endpoint = await startEndpoint(way, optionsFor(world, as, { dpop: { publicUrl } }));
    const token = await as.accessToken({ dpop: client });
    const proof = await client.proof({
      url: 'https://api.example.com/a',
      method: 'PUT',
      token,
    });
    const headers = { ...question.headers, authorization: `DPoP ${token}`, dpop: proof };
    const { status } = await endpoint.ask('any', { ...question, headers });
    expect([status, seen]).toEqual([200, [SEEN]]);
  });
});
