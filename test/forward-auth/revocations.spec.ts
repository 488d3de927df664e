import { Controller, Get, Injectable, Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { CertBoundAuthModule, ForwardAuthModule, TokenRevocations } from 'nestjs-cert-bound-auth';
import { beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';
import { headersOf, optionsFor } from './support/endpoint.js';
import { call } from './support/http-client.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

@Injectable()
class Accounts {
  constructor(readonly revocations: TokenRevocations) {}
}
Reflect.defineMetadata('design:paramtypes', [TokenRevocations], Accounts);

@Controller('own')
class OwnController {
  @Get() get(): string {
    return 'own';
  }
}

const portOf = (app: INestApplication): number => (app.getHttpServer().address() as AddressInfo).port;

describe.each(PLATFORMS)('tokens that are revoked, at the endpoint of a proxy on %s', (platform) => {
  test('a known token of one subject is refused by every policy once it was revoked, and that of another is not', async () => {
    const as = await startAuthorizationServer(world);
    const options = optionsFor(world, as, { revocations: {}, policies: { any: {}, other: {} } });
    @Module({ imports: [ForwardAuthModule.forRoot(options)], providers: [Accounts] })
    class App {}
    const app = await startApp(platform, App);
    whenOver(async () => app.close());
    const ask = async (policy: string, token: string): Promise<number> => {
      const headers = headersOf({ token, certificate: world.client1 });
      return (await call({ port: portOf(app) }, { path: `/auth/${policy}`, headers })).status;
    };
    const [alice, bob] = [
      await as.accessToken({ certificate: world.client1, subject: 'alice' }),
      await as.accessToken({ certificate: world.client1, subject: 'bob' }),
    ];
    for (const token of [alice, bob, alice]) expect(await ask('any', token)).toBe(200);
    await app.get(Accounts).revocations.revoke({ issuer: as.issuer, subject: 'alice' });
    for (const policy of ['any', 'other']) {
      expect([policy, await ask(policy, alice), await ask(policy, bob)]).toEqual([policy, 401, 200]);
    }
  });

  test('beside CertBoundAuthModule, what is revoked in the app is refused by both', async () => {
    const as = await startAuthorizationServer(world);
    const options = optionsFor(world, as);
    const own = CertBoundAuthModule.forRoot({
      ...as.moduleOptions,
      // An app without TLS.
      clientCertificate: {
        from: 'header',
        header: 'x-ssl-client-cert',
        format: 'pem',
        trust: 'proxy',
        trustedProxies: ['loopback'],
      },
      revocations: {},
    });
    @Module({
      imports: [own, ForwardAuthModule.forRoot(options)],
      controllers: [OwnController],
      providers: [Accounts],
    })
    class App {}
    const app = await startApp(platform, App);
    whenOver(async () => app.close());
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const headers = headersOf({ token, certificate: world.client1 });
    const ask = async (): Promise<number> =>
      (await call({ port: portOf(app) }, { path: '/auth/any', headers })).status;
    expect(await ask()).toBe(200);
    await app.get(Accounts).revocations.revoke({ issuer: as.issuer, subject: 'alice' });
    expect(await ask()).toBe(401);
  });

  test('beside CertBoundAuthModule, the option revocations of the endpoint stops the boot and says where it belongs', async () => {
    const as = await startAuthorizationServer(world);
    const own = CertBoundAuthModule.forRoot(as.moduleOptions);
    @Module({ imports: [own, ForwardAuthModule.forRoot(optionsFor(world, as, { revocations: {} }))] })
    class App {}
    await expect(startApp(platform, App)).rejects.toThrow(
      'CertBoundAuthModule is in the same app: give it the option revocations, and it holds here as well',
    );
  });
});
