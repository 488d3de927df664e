import { type INestApplication, ValidationPipe } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as oauth from 'oauth4webapi';
import { CertBoundAuthModule, mutualTls } from 'nestjs-cert-bound-auth';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountsController } from '../../sample-app/accounts/accounts.controller.js';
import type { CertificateName } from '../../sample-app/development/pki.js';
import { HealthController } from '../../sample-app/health.controller.js';
import { PaymentsController } from '../../sample-app/payments/payments.controller.js';
import { PaymentsService } from '../../sample-app/payments/payments.service.js';
import {
  type SampleAuthorizationServer,
  startSampleAuthorizationServer,
} from '../sample/support/authorization-server.js';
import { PLATFORMS, startApp } from '../support/platforms.js';

const SCOPE = 'accounts:read payments:read payments:write';
const PAYMENT = {
  amount: '12.50',
  currency: 'EUR',
  creditorIban: 'DE89370400440532013000',
  reference: 'Rent',
};

describe.each(PLATFORMS)(
  'the sample API with a real authorization server (oidc-provider) on %s',
  (platform) => {
    let as: SampleAuthorizationServer;
    let app: INestApplication;

    const files = new Map<string, string>();
    /** Kept in memory, for the PKI goes with the authorization server. */
    const file = (name: string): string => {
      const text = files.get(name) ?? readFileSync(join(as.pki, name), 'utf8');
      files.set(name, text);
      return text;
    };

    beforeAll(async () => {
      as = await startSampleAuthorizationServer();
      const ca = file('ca.crt');
      const auth = CertBoundAuthModule.forRoot({
        audience: 'https://api.bank.example',
        authorizationServers: [
          {
            issuer: as.issuer,
            tls: { ca },
            introspection: { clientAuthentication: { method: 'client_secret_basic', ...as.api } },
          },
        ],
      });
      const module = {
        module: class App {},
        imports: [auth],
        controllers: [HealthController, AccountsController, PaymentsController],
        providers: [PaymentsService],
      };
      const tls = mutualTls({ key: file('server.key'), cert: file('server.crt'), ca, clientAuth: 'request' });
      app = await startApp(platform, module, tls, {
        configure: (nest) =>
          nest.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true })),
      });
    });
    afterAll(async () => {
      await app.close();
      await as.stop();
    });

    const tokenOf = async (client: string, scope = SCOPE): Promise<string> => {
      const certificate = client.startsWith('client2') ? 'client2' : 'client1';
      const form = { grant_type: 'client_credentials', client_id: client, scope };
      const response = await as.post('/token', form, { certificate });
      return (JSON.parse(response.body) as { access_token: string }).access_token;
    };
    const call = (
      method: 'get' | 'post',
      path: string,
      token?: string,
      certificate: CertificateName | 'none' = 'client1',
    ): supertest.Test => {
      const request = supertest(app.getHttpServer() as never)
        [method](path)
        .ca(file('ca.crt'));
      if (certificate !== 'none') request.key(file(`${certificate}.key`)).cert(file(`${certificate}.crt`));
      return token === undefined ? request : request.auth(token, { type: 'bearer' });
    };

    test.each(['client1', 'client1-opaque'])(
      'RFC8705-1, -3: a token of %s works with its certificate only',
      async (client) => {
        const token = await tokenOf(client);
        await call('get', '/accounts', token).expect(200);
        await call('get', '/accounts', token, 'client2').expect(401);
        await call('get', '/accounts', token, 'untrusted').expect(401);
        await call('get', '/accounts', token, 'client1-expired').expect(401);
        await call('get', '/accounts', token, 'none').expect(401);
        await call('get', '/accounts').expect(401);
        await call('get', '/health', undefined, 'none').expect(200);
      },
    );

    test('a client sees its own payments only, and a wrong body is 400', async () => {
      const [one, two] = await Promise.all([tokenOf('client1'), tokenOf('client2-opaque')]);
      await call('post', '/payments', one).send(PAYMENT).expect(201);
      await call('post', '/payments', one)
        .send({ ...PAYMENT, amount: -1 })
        .expect(400);
      expect((await call('get', '/payments', one).expect(200)).body).toMatchObject([PAYMENT]);
      expect((await call('get', '/payments', two, 'client2').expect(200)).body).toEqual([]);
    });

    test('a missing scope is 403, and the answer names it', async () => {
      const response = await call('get', '/payments', await tokenOf('client1', 'accounts:read')).expect(403);
      expect(response.headers['www-authenticate']).toContain('scope="payments:read"');
    });

    test('a revoked opaque token is refused on the next request', async () => {
      const token = await tokenOf('client1-opaque');
      await call('get', '/accounts', token).expect(200);
      const form = { token, client_id: 'client1-opaque' };
      expect((await as.post('/token/revocation', form, { certificate: 'client1' })).status).toBe(200);
      await call('get', '/accounts', token).expect(401);
    });

    test('a foreign string that looks like a JWT never causes a 5xx', async () => {
      const [header, payload] = (await tokenOf('client1')).split('.');
      await call('get', '/accounts', `${header}.${payload}.AAAA`).expect(401);
      await call('get', '/accounts', 'a.b.c').expect(401);
    });

    test('oauth4webapi understands our challenges', async () => {
      const token = await tokenOf('client1');
      const challengesOf = async (response: supertest.Response): Promise<unknown> => {
        const headers = { 'www-authenticate': response.headers['www-authenticate'] ?? '' };
        const parsed = oauth.processRevocationResponse(
          new Response(null, { status: response.status, headers }),
        );
        return parsed.then(
          () => undefined,
          (error: oauth.WWWAuthenticateChallengeError) => error.cause,
        );
      };
      expect(await challengesOf(await call('get', '/accounts', token, 'client2'))).toMatchObject([
        { scheme: 'bearer', parameters: { error: 'invalid_token' } },
      ]);
      expect(await challengesOf(await call('get', '/accounts'))).toMatchObject([
        { scheme: 'bearer', parameters: {} },
      ]);
    });

    test('a new opaque token is 503 while the authorization server is down, and a JWT of a known issuer is still 200', async () => {
      const [jwt, opaque] = await Promise.all([tokenOf('client1'), tokenOf('client1-opaque')]);
      await call('get', '/accounts', jwt).expect(200);
      await as.stop();
      const response = await call('get', '/accounts', opaque).expect(503);
      expect(response.headers['retry-after']).toBeDefined();
      await call('get', '/accounts', jwt).expect(200);
    });
  },
);
