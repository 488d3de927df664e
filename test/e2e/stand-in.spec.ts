import { Controller, ForbiddenException, Get, type INestApplication, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  AccessToken,
  CertBoundAuthModule,
  CertificateBindingGuard,
  CertificateIssuedBy,
  ClientCertificate,
  type PresentedCertificate,
  Psd2Roles,
  Public,
  Scopes,
  SenderConstrained,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import {
  CertBoundAuthTestingModule,
  type StandInToken,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import supertest from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { PLATFORMS } from '../support/platforms.js';
import { whenOver } from '../support/world.js';

@Controller('payments')
@Scopes('payments:read')
class PaymentsController {
  @Get() list(
    @AccessToken() token: VerifiedAccessToken,
    @ClientCertificate() certificate?: PresentedCertificate,
  ) {
    return { ...token, scopes: [...token.scopes], certificate: certificate ?? 'none' };
  }
  @Get('dpop') @SenderConstrained('dpop') dpop(): string {
    return 'in';
  }
  @Get('issued') @CertificateIssuedBy({ dn: 'CN=Bank CA' }) issued(): string {
    return 'in';
  }
  @Get('initiate') @Psd2Roles('PSP_PI') initiate(): string {
    return 'in';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}

@Module({
  imports: [
    CertBoundAuthModule.forRoot({
      audience: 'https://pay.example.com',
      authorizationServers: [{ issuer: 'https://as.bank.example' }],
      realm: 'bank',
      validate: ({ subject }) => {
        if (subject === 'mallory') throw new ForbiddenException();
        return subject === 'ghost' ? undefined : { name: subject };
      },
    }),
  ],
  controllers: [PaymentsController],
})
class AppModule {}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(PLATFORMS)('a spec without TLS on %s', (platform) => {
  const start = async (builder: TestingModuleBuilder): Promise<INestApplication> => {
    const module = await builder.compile();
    const app =
      platform === 'fastify'
        ? module.createNestApplication<NestFastifyApplication>(new FastifyAdapter())
        : module.createNestApplication();
    await app.init();
    if (platform === 'fastify') await (app as NestFastifyApplication).getHttpAdapter().getInstance().ready();
    whenOver(async () => app.close());
    return app;
  };
  const controllersAs = (who: StandInToken | 'nobody'): Promise<INestApplication> =>
    start(
      Test.createTestingModule({
        imports: [CertBoundAuthTestingModule.as(who)],
        controllers: [PaymentsController],
      }),
    );
  const appAs = (who: StandInToken | 'nobody'): Promise<INestApplication> =>
    start(
      Test.createTestingModule({ imports: [AppModule] })
        .overrideProvider(CertBoundAuthTestingModule.provider)
        .useFactory(CertBoundAuthTestingModule.standIn(who)),
    );
  const get = (app: INestApplication, path: string): supertest.Test =>
    supertest(app.getHttpServer() as never).get(path);

  test('the caller of every request is who the spec says, and handlers get its token', async () => {
    const app = await controllersAs({
      subject: 'alice',
      clientId: 'shop',
      scopes: ['payments:read'],
      claims: { acr: 'high' },
    });
    const { body } = await get(app, '/payments').expect(200);
    expect(body).toMatchObject({
      subject: 'alice',
      clientId: 'shop',
      scopes: ['payments:read'],
      boundBy: ['certificate'],
      claims: { acr: 'high', sub: 'alice' },
      certificate: 'none',
    });
    await get(app, '/payments/open').expect(200, 'open');
  });

  test('what a route demands is checked against who the spec says', async () => {
    const other = await controllersAs({ scopes: ['other'] });
    const refused = await get(other, '/payments').expect(403);
    expect(refused.headers['www-authenticate']).toContain('scope="payments:read"');
    const nobody = await controllersAs('nobody');
    await get(nobody, '/payments').expect(401);
    await get(nobody, '/payments/open').expect(200, 'open');
    const dpop = await appAs({ scopes: ['payments:read'], boundBy: ['dpop'] });
    await get(dpop, '/payments/dpop').expect(200, 'in');
    const initiator = await appAs({ scopes: ['payments:read'], psd2Roles: ['PSP_PI'] });
    await get(initiator, '/payments/initiate').expect(200, 'in');
    const ca = await TestCertificateAuthority.create('Bank CA');
    const { cert } = await ca.issueClientCertificate('client');
    const issued = await appAs({ scopes: ['payments:read'], certificateChain: cert + ca.cert });
    await get(issued, '/payments/issued').expect(200, 'in');
    await get(initiator, '/payments/issued').expect(403);
    const certificate = await appAs({ scopes: ['payments:read'] });
    await get(certificate, '/payments/initiate').expect(403);
    await get(certificate, '/payments/dpop').expect(({ status }) =>
      expect(status).toBeGreaterThanOrEqual(401),
    );
  });

  test('a whole app runs without TLS by a stand-in, with its own validate and its own realm', async () => {
    const app = await appAs({ subject: 'alice', scopes: ['payments:read'] });
    const { body } = await get(app, '/payments').expect(200);
    expect(body).toMatchObject({ issuer: 'https://as.bank.example' });
    await get(await appAs({ subject: 'mallory', scopes: ['payments:read'] }), '/payments').expect(403);
    const ghost = await get(await appAs({ subject: 'ghost', scopes: ['payments:read'] }), '/payments').expect(
      401,
    );
    expect(ghost.headers['www-authenticate']).toContain('realm="bank"');
  });
});

test('INV9: what a handler changes of a stand-in changes no later request', () => {
  const who = { scopes: ['a'], claims: { nested: { list: [1] } } };
  const module = CertBoundAuthTestingModule.standIn(who);
  const server = module.factory({
    authorizationServers: [],
    clientCertificate: { from: 'tls', trust: 'ca' },
  } as never);
  const decide = (): VerifiedAccessToken => (server.decide({}) as { token: VerifiedAccessToken }).token;
  const first = decide();
  (first.scopes as Set<string>).add('b');
  (first.claims['nested'] as { list: number[] }).list.push(2);
  expect(decide()).toMatchObject({ claims: { nested: { list: [1] } } });
  expect([...decide().scopes]).toEqual(['a']);
});

test.each(['as', 'standIn'] as const)(
  'INV8: a stand-in made by %s() lets nobody in outside of a test runner',
  (method) => {
    for (const name of ['VITEST', 'NODE_TEST_CONTEXT', 'JEST_WORKER_ID']) vi.stubEnv(name, undefined);
    vi.stubEnv('NODE_ENV', 'production');
    const make = (): unknown =>
      method === 'as'
        ? CertBoundAuthTestingModule.as({})
        : CertBoundAuthTestingModule.standIn({}).factory({ authorizationServers: [] } as never);
    expect(make).toThrow('it works in tests only');
  },
);

test('INV8: a test that replaces anything else of ours does not boot, and learns what to replace', async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(CertificateBindingGuard)
    .useValue({ canActivate: () => true })
    .compile();
  await expect(module.createNestApplication().init()).rejects.toThrow(
    /CertificateBindingGuard \(object\): it has been replaced.*override CertBoundAuthTestingModule\.provider/,
  );
});
