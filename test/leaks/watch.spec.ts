import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decisions, serverCalls } from '../../lib/events/channels.js';
import { KnownSecrets } from '../support/leaks/known-secrets.js';
import { takeLeaks } from '../support/leaks/watch.js';
import { clientOf, createWorld, startApi, startAuthorizationServer, whenOver } from '../support/world.js';
import { TokenController } from '../support/token-controller.js';

/** The suite-wide watch, which runs in this file as in every other: what it finds here is taken from it. */
describe('invariant 6: the watch over the whole suite', () => {
  const logger = new Logger('planted');
  beforeEach(() => Logger.overrideLogger(false));
  afterEach(() => {
    expect(takeLeaks()).toEqual([]);
  });

  /** Puts a text where it is seen, and says what the watch found. */
  const found = (text: string): readonly string[] => {
    logger.debug(text);
    return takeLeaks();
  };

  test('the watch sees a proof in the log, and every secret part of it, cut or not', async () => {
    const client = await TestDpopClient.create();
    const proof = await client.proof({ url: 'https://api.example.com/' });
    const [header = '', claims = '', signature = ''] = proof.split('.');
    for (const secret of [
      proof,
      claims,
      signature,
      claims.slice(0, 40),
      `${header}.${claims}`.slice(0, 300),
    ]) {
      const [leak = ''] = found(`refused detail="it was ${secret}" route=x`);
      expect(leak).toMatch(/^Logger\.debug has a token or a proof: refused detail="it was …" route=x$/);
    }
    expect(found(header)).toEqual([]);
    expect(found(client.thumbprint)).toEqual([]);
  });

  test('the watch sees a JWT and an opaque token on every level, in an error and in its cause', async () => {
    const world = await createWorld();
    const as = await startAuthorizationServer(world);
    for (const token of [await as.accessToken(), as.opaqueToken()]) {
      for (const level of ['log', 'error', 'warn', 'debug', 'verbose', 'fatal'] as const) {
        logger[level](token);
        logger[level](new Error('outer', { cause: new Error(`inner ${token}`) }));
        expect(takeLeaks()).toHaveLength(2);
      }
    }
  });

  test('the watch sees what an event holds', async () => {
    const token = await (await TestDpopClient.create()).proof({ url: 'https://api.example.com/' });
    decisions.publish({ detail: token });
    serverCalls.publish({ issuer: token });
    expect(takeLeaks().map((leak) => leak.split(' ')[0])).toEqual([
      'nestjs-cert-bound-auth:decision',
      'nestjs-cert-bound-auth:authorization-server-call',
    ]);
  });

  test('the watch sees a token that only came with a request, whoever made it, and a secret that went to a server', async () => {
    const server = createServer((_, response) => response.end());
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    whenOver(async () => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = async (headers: Record<string, string>, body?: string): Promise<unknown> =>
      (await request(url, { method: 'POST', headers, body: body ?? null })).body.text();

    const [bearer, dpop, proof, basic, post, token] = Array.from({ length: 6 }, () => randomUUID());
    const all = [bearer, dpop, proof, basic, post, token];
    expect(all.flatMap((secret) => found(String(secret)))).toEqual([]);
    await send({ authorization: `Bearer ${bearer}` });
    await send({ authorization: `DPoP ${dpop}`, dpop: String(proof) });
    const credentials = Buffer.from(`api:${basic}`).toString('base64');
    await send({ authorization: `Basic ${credentials}` });
    await send(
      { 'content-type': 'application/x-www-form-urlencoded' },
      `token=${token}&client_secret=${post}&client_assertion=x`,
    );
    expect([...all, credentials].map((secret) => found(`it is ${secret}.`).length)).toEqual(
      Array.from({ length: 7 }, () => 1),
    );
  });

  test('the watch sees nothing in what the library logs and publishes about a request', async () => {
    const world = await createWorld();
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, 'express', as, [TokenController], { options: as.moduleOptions });
    for (const token of [await as.accessToken({ certificate: world.client1 }), as.opaqueToken()]) {
      await clientOf(app, world, world.client1, token).get('/');
      await clientOf(app, world, world.client2, token).get('/');
    }
    expect(takeLeaks()).toEqual([]);
  });
});

describe('what is known as secret', () => {
  const JWT = `eyJhbGciOiJFUzI1NiJ9.${'claims_'.repeat(10)}.${'signature-'.repeat(8)}`;

  test('a known secret is found in any text, and nothing else is', () => {
    const secrets = new KnownSecrets();
    secrets.addToken(JWT);
    secrets.addSecret('correct horse');
    expect(secrets.findIn(JWT)).toEqual(['a token or a proof']);
    expect(secrets.findIn(`x=${JWT.split('.')[2]},`)).toEqual(['a token or a proof']);
    expect(secrets.findIn('the correct horse.')).toEqual(['the secret of a client']);
    expect(secrets.findIn('-----BEGIN EC PRIVATE KEY-----')).toEqual(['a private key']);
    expect(secrets.findIn(`opaque-${randomUUID()}`)).toEqual(['an opaque token']);
    for (const harmless of [
      '',
      'refused reason=token_opaque',
      '-----BEGIN CERTIFICATE-----',
      JWT.split('.')[0] ?? '',
      JWT.slice(-10),
      'a'.repeat(500),
      'the correct, horse',
    ]) {
      expect(secrets.findIn(harmless)).toEqual([]);
    }
  });

  test('a text that is too short to tell from a word is not taken as a secret', () => {
    const secrets = new KnownSecrets();
    secrets.addSecret('');
    secrets.addSecret('secret');
    secrets.addToken('');
    secrets.addToken('token');
    expect(secrets.findIn('a secret token')).toEqual([]);
  });
});
