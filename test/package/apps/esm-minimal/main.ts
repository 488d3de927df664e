import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { request } from 'node:https';
import {
  AccessToken,
  CertBoundAuthModule,
  mutualTls,
  Scopes,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import {
  TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';

const ca = await TestCertificateAuthority.create();
const authorizationServer = await TestAuthorizationServer.start({ ca });
const [server, client, thief] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate('client'),
  ca.issueClientCertificate('thief'),
]);

@Controller('payments')
@Scopes('payments:read')
class PaymentsController {
  @Get() list(@AccessToken() token: VerifiedAccessToken): object {
    return { client: token.clientId };
  }
}

@Module({
  imports: [
    CertBoundAuthModule.forRoot({
      audience: 'https://api.example.com',
      authorizationServers: [{ issuer: authorizationServer.issuer, tls: { ca: ca.cert } }],
    }),
  ],
  controllers: [PaymentsController],
})
class AppModule {}

const httpsOptions = mutualTls({ key: server.key, cert: server.cert, ca: ca.cert });
const app = await NestFactory.create(AppModule, { httpsOptions, logger: ['error'] });
await app.listen(0, '127.0.0.1');
const url = `${(await app.getUrl()).replace('[::1]', '127.0.0.1')}/payments`;

const token = await authorizationServer.accessToken({ certificate: client, scope: 'payments:read' });
console.log(await call(client), await call(thief));
await app.close();
await authorizationServer.stop();

async function call(certificate: TestCertificate): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const options = {
      headers,
      ca: ca.cert,
      key: certificate.key,
      cert: certificate.cert,
      agent: false,
    } as const;
    request(url, options, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
