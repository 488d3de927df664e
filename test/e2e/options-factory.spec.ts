import { Controller, Get, Injectable, Module } from '@nestjs/common';
import {
  AccessToken,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  type CertBoundAuthOptionsFactory,
} from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { clientOf, createWorld, startAuthorizationServer, tlsOf, whenOver } from '../support/world.js';

@Controller()
class WhoController {
  @Get() who(@AccessToken('subject') subject: string): string {
    return subject;
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('options that a class makes on %s', (platform) => {
  test.each(['useClass', 'useExisting'] as const)('forRootAsync takes them by %s', async (how) => {
    const as = await startAuthorizationServer(world);
    @Injectable()
    class AuthOptions implements CertBoundAuthOptionsFactory {
      async create(): Promise<CertBoundAuthOptions> {
        return as.moduleOptions;
      }
    }
    @Module({ providers: [AuthOptions], exports: [AuthOptions] })
    class SettingsModule {}
    const auth =
      how === 'useClass'
        ? CertBoundAuthModule.forRootAsync({ useClass: AuthOptions })
        : CertBoundAuthModule.forRootAsync({ imports: [SettingsModule], useExisting: AuthOptions });
    const app = await startApp(
      platform,
      { module: class App {}, imports: [auth], controllers: [WhoController] },
      tlsOf(world),
    );
    whenOver(async () => app.close());
    await clientOf(app, world).get('/').expect(401);
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const { text } = await clientOf(app, world, world.client1, token).get('/').expect(200);
    expect(text).toBe('alice');
  });
});
