import type { INestApplication } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModule } from '@nestjs/testing';
import { CertBoundAuthModule, mutualTls } from 'nestjs-cert-bound-auth';
import {
  TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import request from 'supertest';
import { PassportController, PaymentsController } from '../src/payments.controller';

describe.each(['express', 'fastify'])('the payments API on %s', (platform) => {
  let ca: TestCertificateAuthority;
  let authorizationServer: TestAuthorizationServer;
  let mine: TestCertificate;
  let stolen: TestCertificate;
  let app: INestApplication;

  beforeAll(async () => {
    ca = await TestCertificateAuthority.create();
    authorizationServer = await TestAuthorizationServer.start({ ca });
    [mine, stolen] = [await ca.issueClientCertificate('mine'), await ca.issueClientCertificate('stolen')];
    const module = await Test.createTestingModule({
      imports: [CertBoundAuthModule.forRoot(authorizationServer.moduleOptions)],
      controllers: [PaymentsController, PassportController],
    }).compile();
    app = await start(module, mutualTls({ ...(await ca.issueServerCertificate()), ca: ca.cert }));
  });

  afterAll(async () => {
    await app.close();
    await authorizationServer.stop();
  });

  async function start(
    module: TestingModule,
    https: ReturnType<typeof mutualTls>,
  ): Promise<INestApplication> {
    if (platform === 'express') return module.createNestApplication({ httpsOptions: https }).init();
    const fastify = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter({ https }));
    await fastify.init();
    await fastify.getHttpAdapter().getInstance().ready();
    return fastify;
  }

  function get(path: string, { key, cert }: TestCertificate, token: string): request.Test {
    return request(app.getHttpServer())
      .get(path)
      .key(key)
      .cert(cert)
      .ca(ca.cert)
      .auth(token, { type: 'bearer' });
  }

  it('a token is accepted only from the certificate that it was issued to', async () => {
    const token = await authorizationServer.accessToken({ certificate: mine, scope: 'payments:read' });
    await get('/payments', mine, token).expect(200, { paymentsOf: 'client-1' });
    await get('/payments', stolen, token)
      .expect(401)
      .expect('WWW-Authenticate', /error="invalid_token"/);
  });

  it('an opaque token is accepted only from the certificate that it was issued to', async () => {
    const token = authorizationServer.opaqueToken({ certificate: mine, scope: 'payments:read' });
    await get('/payments', mine, token).expect(200);
    await get('/payments', stolen, token).expect(401);
  });

  it('a route asks for its scopes', async () => {
    const token = await authorizationServer.accessToken({ certificate: mine });
    await get('/payments', mine, token)
      .expect(403)
      .expect('WWW-Authenticate', /scope="payments:read"/);
  });

  it("a route is protected by AuthGuard('cert-bound')", async () => {
    const token = await authorizationServer.accessToken({ certificate: mine });
    await get('/passport', mine, token).expect(200, { user: 'user-1' });
    await get('/passport', stolen, token).expect(401);
  });
});
