import { All, Controller, Get, type INestApplication, VersioningType } from '@nestjs/common';
import { ApiForbiddenResponse, ApiSecurity, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import {
  AllowAnonymous,
  AnyScope,
  describeOpenApi,
  Public,
  RequireClaim,
  Scopes,
  SenderConstrained,
} from 'nestjs-cert-bound-auth';
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

@Controller('operations')
class OperationsController {
  @Get('plain/:id') plain(): void {}
  @Get('scoped') @AnyScope('b', 'c') @Scopes('a') scoped(): void {}
  @Get('claim') @RequireClaim('role') @ApiForbiddenResponse({ description: 'Mine' }) claim(): void {}
  @Get('anonymous') @AllowAnonymous() anonymous(): void {}
  @Get('open') @Public() open(): void {}
  @All('all') @Scopes('a') all(): void {}
}

@Controller('proofs')
class ProofsController {
  @Get('dpop') @SenderConstrained('dpop') dpop(): void {}
}

interface Operation {
  readonly security?: unknown;
  readonly responses: Readonly<Record<string, { readonly description: string; readonly headers?: object }>>;
}

describe.each(PLATFORMS)('describeOpenApi() on %s', (platform) => {
  const documentOf = async (
    options: Parameters<typeof startApi>[4] = {},
    servers: readonly string[] = [ISSUER],
  ): Promise<{
    readonly of: (path: string, method?: string) => Operation;
    readonly components: { readonly securitySchemes: object; readonly schemas: object };
  }> => {
    const trusted = servers.map((issuer) => ({ issuer }));
    const controllers =
      options.options?.dpop === undefined ? [OperationsController] : [OperationsController, ProofsController];
    const app = await startApi(world, platform, trusted, controllers, options);
    const config = new DocumentBuilder().setOpenAPIVersion('3.1.0').build();
    const { paths, components } = describeOpenApi(app, SwaggerModule.createDocument(app, config));
    return {
      of: (path, method = 'get') =>
        (paths as unknown as Record<string, Record<string, Operation>>)[path]?.[method] as Operation,
      components: components as never,
    };
  };

  test('every protected operation says each way of being let in, with or without decorators', async () => {
    const dpop = { publicUrl: 'https://api.example.com' };
    const { of } = await documentOf({ options: { dpop } });
    expect(of('/operations/plain/{id}').security).toEqual([
      { oauth2: [], mutualTLS: [] },
      { oauth2: [], dpop: [] },
    ]);
    expect(of('/operations/scoped').security).toEqual([
      { oauth2: ['a', 'b'], mutualTLS: [] },
      { oauth2: ['a', 'c'], mutualTLS: [] },
      { oauth2: ['a', 'b'], dpop: [] },
      { oauth2: ['a', 'c'], dpop: [] },
    ]);
    expect(of('/proofs/dpop').security).toEqual([{ oauth2: [], dpop: [] }]);
    expect(of('/operations/anonymous').security).toEqual([
      { oauth2: [], mutualTLS: [] },
      { oauth2: [], dpop: [] },
      {},
    ]);
    expect(of('/operations/all', 'post').security).toHaveLength(2);
  });

  test('an unbound token is a way of its own where the app accepts one, and each issuer is one', async () => {
    const { of, components } = await documentOf({ options: { binding: 'if-bound' } }, [
      ISSUER,
      'https://other.example.com/',
    ]);
    expect(of('/operations/plain/{id}').security).toEqual([
      { oauth2: [], mutualTLS: [] },
      { oauth2_2: [], mutualTLS: [] },
      { oauth2: [] },
      { oauth2_2: [] },
    ]);
    expect(components.securitySchemes).toEqual({
      oauth2: {
        type: 'openIdConnect',
        openIdConnectUrl: 'https://as.example.com/.well-known/openid-configuration',
      },
      oauth2_2: {
        type: 'openIdConnect',
        openIdConnectUrl: 'https://other.example.com/.well-known/openid-configuration',
      },
      mutualTLS: expect.objectContaining({ type: 'mutualTLS' }) as object,
    });
  });

  test('each has the answers of a refusal with their headers, beside its own', async () => {
    const { of, components } = await documentOf();
    const { responses } = of('/operations/scoped');
    expect(Object.keys(responses)).toEqual(['200', '401', '403', '503']);
    expect(responses['401']).toMatchObject({ headers: { 'WWW-Authenticate': {} } });
    expect(responses['403']).toMatchObject({ headers: { 'WWW-Authenticate': {} } });
    expect(responses['503']).toMatchObject({ headers: { 'Retry-After': {} } });
    expect(components.schemas).toHaveProperty('AccessRefused');
    expect(Object.keys(of('/operations/plain/{id}').responses)).toEqual(['200', '401', '503']);
    expect(of('/operations/claim').responses['403']?.description).toBe('Mine');
  });

  test('what @SenderConstrained() refuses is told, and with DPoP the nonce and 429', async () => {
    const dpop = { publicUrl: 'https://api.example.com', nonce: 'required' } as const;
    const { of } = await documentOf({ options: { dpop } });
    const { responses } = of('/proofs/dpop');
    expect(responses['401']?.description).toContain('proved by dpop');
    expect(responses['401']?.headers).toHaveProperty('DPoP-Nonce');
    expect(Object.keys(responses)).toEqual(['200', '401', '429', '503']);
  });

  test('a public operation stays as it is', async () => {
    const { of } = await documentOf();
    expect(of('/operations/open')).not.toHaveProperty('security');
    expect(Object.keys(of('/operations/open').responses)).toEqual(['200']);
  });

  test('operations are found behind a global prefix and versions', async () => {
    const { of } = await documentOf({
      configure: (nest) => {
        nest.setGlobalPrefix('api');
        nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
    expect(of('/api/v1/operations/plain/{id}').security).toEqual([{ oauth2: [], mutualTLS: [] }]);
  });
});
