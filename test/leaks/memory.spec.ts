import { createHash, type KeyObject, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import { expect, test } from 'vitest';
import { jwkThumbprint } from '../../lib/jose/jwk-thumbprint.js';
import type { HttpRequest } from '../../lib/request/http-request.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { ResourceServer } from '../../lib/resource-server.js';
import { AUDIENCE } from '../support/world.js';
import { newKeyPair } from '../support/key-pair.js';

const ISSUER = 'https://as.example.com';
const API = 'https://api.example.com';
const SIGNED = 20;

const server = keyPair();
const client = keyPair();

function keyPair(): { readonly privateKey: KeyObject; readonly jwk: object; readonly thumbprint: string } {
  const { privateKey, publicKey } = newKeyPair('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  return { privateKey, jwk, thumbprint: String(jwkThumbprint(jwk)) };
}

/** Not by jose nor WebCrypto: the watch over the suite keeps what those sign. */
function signJwt(header: object, claims: object, key: KeyObject): string {
  const input = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

function claimsOfToken(): object {
  const now = Math.floor(Date.now() / 1000);
  const cnf = { jkt: client.thumbprint };
  const names = { sub: 'user-1', client_id: 'client-1', jti: randomUUID() };
  return { iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 3600, ...names, cnf };
}

function proofFor(token: string): string {
  const ath = createHash('sha256').update(token).digest('base64url');
  const claims = { jti: randomUUID(), htm: 'GET', htu: `${API}/`, iat: Math.floor(Date.now() / 1000), ath };
  return signJwt({ typ: 'dpop+jwt', alg: 'ES256', jwk: client.jwk }, claims, client.privateKey);
}

/** A request that is accepted. @returns what it came with */
async function accepted(resourceServer: ResourceServer, token: string): Promise<readonly string[]> {
  const proof = proofFor(token);
  const rawHeaders = ['Authorization', `DPoP ${token}`, 'DPoP', proof];
  const request = { method: 'GET', url: '/', rawHeaders, headers: {}, socket: new Socket() };
  const decision = await resourceServer.decide(request as unknown as HttpRequest);
  expect(decision).toMatchObject({ outcome: 'accepted', token: { boundBy: ['dpop'] } });
  return [token, proof];
}

/** A text by which another is found, and which is not part of it. */
const backwards = (text: string): string => text.split('').toReversed().join('');

/** The ends of everything secret that was sent, backwards. */
async function sendAll(resourceServer: ResourceServer): Promise<readonly string[]> {
  const sent: string[] = [];
  for (let count = 0; count < SIGNED; count += 1) {
    const jwt = signJwt({ alg: 'ES256', typ: 'at+jwt' }, claimsOfToken(), server.privateKey);
    sent.push(
      ...(await accepted(resourceServer, jwt)),
      ...(await accepted(resourceServer, `${randomUUID()}-${randomUUID()}`)),
    );
  }
  return sent.map((text) => backwards(text.slice(-30)));
}

/** What of this is in the heap, as a text of its own or within one. */
function foundInHeap(needles: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'cert-bound-heap-'));
  try {
    const heap = readFileSync(writeHeapSnapshot(join(folder, 'heap')));
    return needles.filter((needle) => heap.includes(backwards(needle)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('INV6: nothing of the tokens that are known, and of the proofs that were used, stays in memory', async () => {
  const resourceServer = new ResourceServer(
    resolveOptions({
      audience: AUDIENCE,
      dpop: { publicUrl: API },
      authorizationServers: [
        { issuer: ISSUER, jwt: { jwks: { keys: [server.jwk] } } },
        {
          issuer: 'https://other.example.com',
          introspection: { introspect: async () => ({ active: true, ...claimsOfToken(), iss: undefined }) },
        },
      ],
    }),
  );
  const needles = await sendAll(resourceServer);
  // What V8 keeps of the last text that a regular expression has matched.
  expect(/other/.test('another')).toBe(true);
  const planted = backwards('a text that is kept, to be found');
  const kept = { text: backwards(planted) };

  expect(foundInHeap([planted])).toEqual([planted]);
  expect(foundInHeap(needles)).toEqual([]);
  expect(kept.text).toBe(backwards(planted));
});
