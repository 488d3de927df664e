import { Controller, Get, type INestApplication } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import { AnyScope, Public, Scopes } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { AccountsController } from '../../sample-app/accounts/accounts.controller.js';
import { HealthController } from '../../sample-app/health.controller.js';
import { describeApi, serveOpenApi } from '../../sample-app/open-api.js';
import { PaymentsController } from '../../sample-app/payments/payments.controller.js';
import { PaymentsService } from '../../sample-app/payments/payments.service.js';
import { PLATFORMS } from '../support/platforms.js';
import { clientOf, createWorld, startApi } from '../support/world.js';

@Controller('mixed')
@Scopes('class')
class MixedController {
  @Get('plain') plain(): void {}
  @Get('both') @Scopes('method') both(): void {}
  @Get('either') @AnyScope('a', 'b') either(): void {}
  @Get('own') @ApiSecurity('own') @Scopes('method') own(): void {}
  @Get('open') @Public() open(): void {}
}

const ISSUER = 'https://as.example.com';

const world = await createWorld();

describe.each(PLATFORMS)('the OpenAPI document on %s', (platform) => {
  const start = async (configure?: (app: INestApplication) => void): Promise<INestApplication> =>
    startApi(
      world,
      platform,
      { issuer: ISSUER },
      [MixedController, AccountsController, PaymentsController, HealthController],
      {
        providers: [PaymentsService],
        options: { publicPaths: ['/docs/*', '/docs-json'] },
        ...(configure && { configure }),
      },
    );

  test('the document has the security requirements of @Scopes(): OAuth2 scopes and mutual TLS together', async () => {
    const { paths } = describeApi(await start(), ISSUER);
    const securityOf = (path: string, method: 'get' | 'post' = 'get'): unknown =>
      paths[path]?.[method]?.security;
    const needed = (...oauth2: readonly string[]): object => ({ oauth2, mutualTLS: [] });
    expect(securityOf('/accounts')).toEqual([needed('accounts:read')]);
    expect(securityOf('/payments', 'post')).toEqual([needed('payments:write')]);
    expect(securityOf('/mixed/plain')).toEqual([needed('class')]);
    expect(securityOf('/mixed/both')).toEqual([needed('class', 'method')]);
    expect(securityOf('/mixed/either')).toEqual([needed('class', 'a'), needed('class', 'b')]);
    expect(securityOf('/mixed/own')).toEqual([{ own: [] }, needed('class', 'method')]);
    expect(securityOf('/mixed/open')).toBeUndefined();
    expect(securityOf('/health')).toBeUndefined();
  });

  test('the document of the sample is served to everyone, as a public path', async () => {
    const app = await start((nest) => serveOpenApi(nest, ISSUER));
    const { body } = await clientOf(app, world).get('/docs-json').expect(200);
    expect(body).toMatchObject({
      openapi: '3.1.0',
      components: { securitySchemes: { mutualTLS: { type: 'mutualTLS' }, oauth2: { type: 'oauth2' } } },
    });
    const page = await clientOf(app, world).get('/docs').expect(200);
    expect(page.text).toContain('swagger');
  });
});
