import { Controller, Get, type INestApplication } from '@nestjs/common';
import {
  CertBoundAuthModule,
  CertificateIssuedBy,
  type CertificatePolicyOptions,
  type CertificateRule,
  ClientCertificate,
  type ClientCertificateOptions,
  logEntrances,
  type PresentedCertificate,
  Psd2Roles,
  Public,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import supertest from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { loggedRefusal } from '../support/logged-refusal.js';
import { qwac } from '../support/pki/qualified-statements.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { clientOf, createWorld, startAuthorizationServer, tlsOf, whenOver } from '../support/world.js';

const world = await createWorld();
const between = await world.ca.issueIntermediate('Between');

@Controller()
class HolderController {
  @Get() get(@ClientCertificate() certificate?: PresentedCertificate): object {
    return holderOf(certificate);
  }
  @Get('policy') policy(@ClientCertificate() certificate: PresentedCertificate): object {
    return certificate.policy?.map(({ rule, entry }) => `${rule} ${entry ?? '-'}`) ?? [];
  }
  @Get('open') @Public() open(@ClientCertificate() certificate?: PresentedCertificate): object {
    return holderOf(certificate);
  }
}

@Controller('roles')
class RolesController {
  @Get('pi') @Psd2Roles('PSP_PI') initiate(): object {
    return {};
  }
  @Get('both') @Psd2Roles('PSP_AI') @Psd2Roles('PSP_PI') both(): object {
    return {};
  }
  @Get('issued') @CertificateIssuedBy({ dn: 'CN=x' }, { ca: world.ca.cert }) issued(): object {
    return {};
  }
  @Get('other') @CertificateIssuedBy({ dn: 'CN=Other CA' }) other(): object {
    return {};
  }
  @Get('between') @CertificateIssuedBy({ ca: between.cert }) between(): object {
    return {};
  }
  @Get('as') @Psd2Roles('PSP_PI', 'PSP_AS') serve(): object {
    return {};
  }
}

function holderOf(certificate: PresentedCertificate | undefined): object {
  const { principal, spiffeId, organizationIdentifier, psd2 } = certificate ?? {};
  return { principal, spiffeId, organizationIdentifier, roles: psd2?.roles };
}

let tpp: TestCertificate;
let injected: TestCertificate;
let workload: TestCertificate;
beforeAll(async () => {
  [tpp, injected, workload] = await Promise.all([
    world.ca.issueClientCertificate('tpp', qwac('PSP_PI', 'PSP_AI')),
    world.ca.issueClientCertificate('x', { subject: [{ CN: ['x\nCN=client1'] }] }),
    world.ca.issueClientCertificate('', { uris: ['spiffe://bank.example/payments'] }),
  ]);
});

const trust = { ca: world.ca.cert };
const header = { from: 'header' as const, trustedProxies: ['loopback'] as const, trust };

/** How a certificate comes to the app, and what a client sends beside it. */
const WAYS: readonly (readonly [
  string,
  Exclude<ClientCertificateOptions, { from: 'custom' }>,
  (certificate: TestCertificate) => object,
])[] = [
  ['over TLS', { from: 'tls' }, () => ({})],
  [
    "in nginx's header",
    { ...header, header: 'X-SSL-Client-Cert', format: 'pem' as const },
    ({ cert }) => ({ 'x-ssl-client-cert': encodeURIComponent(cert) }),
  ],
  [
    "in Envoy's header",
    { ...header, header: 'X-Forwarded-Client-Cert', format: 'xfcc' as const },
    ({ cert }) => ({ 'x-forwarded-client-cert': `Cert="${encodeURIComponent(cert)}"` }),
  ],
];

describe.each(PLATFORMS)('whose certificate counts, on %s', (platform) => {
  describe.each(WAYS)(
    'a certificate is judged by the policy when it comes %s',
    (_, clientCertificate, headersOf) => {
      interface Api {
        readonly as: TestAuthorizationServer;
        readonly app: INestApplication;
        readonly logger: RecordingLogger;
      }

      const start = async (policy: CertificatePolicyOptions): Promise<Api> => {
        const as = await startAuthorizationServer(world);
        const logger = new RecordingLogger();
        const auth = CertBoundAuthModule.forRoot({
          ...as.moduleOptions,
          clientCertificate: { ...clientCertificate, policy },
        });
        const module = {
          module: class App {},
          imports: [auth],
          controllers: [HolderController, RolesController],
        };
        const tls = clientCertificate.from === 'tls' ? tlsOf(world) : undefined;
        const app = await startApp(platform, module, tls, { logger });
        whenOver(async () => app.close());
        return { as, app, logger };
      };

      /** What a handler gets; the reason where it gets nothing. */
      const call = async (
        { as, app, logger }: Api,
        certificate: TestCertificate,
        path = '/',
        clientId = 'client1',
      ) => {
        logger.lines.length = 0;
        const token = await as.accessToken({ certificate, clientId });
        const request =
          clientCertificate.from === 'tls'
            ? clientOf(app, world, certificate, token).get(path)
            : supertest(app.getHttpServer() as never)
                .get(path)
                .auth(token, { type: 'bearer' })
                .set(headersOf(certificate) as never);
        const { status, body } = await request;
        if (status === 200) return body as unknown;
        const { reason } = loggedRefusal(logger.ours[0]) as { readonly reason: string };
        return `${status} ${reason}`;
      };

      test('a certificate that the policy does not allow is refused, and is not shown on a public route', async () => {
        const api = await start({ allow: [{ cn: 'client1' }], principal: 'cn' });
        expect(await call(api, world.client1)).toEqual({ principal: 'client1' });
        for (const certificate of [world.client2, injected]) {
          expect(await call(api, certificate)).toBe('401 certificate_not_allowed');
          expect(await call(api, certificate, '/open')).toEqual({});
        }
        expect(await call(api, world.client1, '/open')).toEqual({ principal: 'client1' });
      });

      test('a list that a function returns counts from the next request on', async () => {
        let deny: readonly CertificateRule[] = [];
        const api = await start({ deny: () => deny });
        expect(await call(api, world.client1)).toEqual({ principal: 'CN=client1' });
        deny = [{ thumbprint: world.client1.thumbprint }];
        expect(await call(api, world.client1)).toBe('401 certificate_denied');
        expect(await call(api, world.client2)).toEqual({ principal: 'CN=client2' });
        deny = 7 as never;
        expect(await call(api, world.client2)).toBe('503 certificate_policy_unusable');
        deny = [];
        expect(await call(api, world.client1)).toEqual({ principal: 'CN=client1' });
      });

      test('a payment service provider is known by its QWAC, and a certificate of another kind does not meet the profile', async () => {
        const api = await start({ profile: 'psd2-qwac', issuers: [{ ca: world.ca.cert }] });
        expect(await call(api, tpp)).toMatchObject({
          organizationIdentifier: 'PSDDE-BAFIN-123456',
          roles: ['PSP_PI', 'PSP_AI'],
        });
        expect(await call(api, world.client1)).toBe('401 certificate_profile_unmet');
        expect(await call(api, tpp, '/policy')).toEqual(['extendedKeyUsage -', 'profile -', 'issuers 0']);
        const elsewhere = await start({ profile: 'psd2-qwac', issuers: [{ dn: 'CN=Qualified CA' }] });
        expect(await call(elsewhere, tpp)).toBe('401 certificate_issuer_not_allowed');
      });

      test('a route that demands roles of PSD2 is open to certificates with all of them, and to nobody without the profile', async () => {
        const api = await start({ profile: 'psd2-qwac', issuers: [{ ca: world.ca.cert }] });
        for (const path of ['/roles/pi', '/roles/both']) expect(await call(api, tpp, path)).toEqual({});
        expect(await call(api, tpp, '/roles/as')).toBe('403 certificate_role_missing');
        const without = await start({ issuers: [{ ca: world.ca.cert }] });
        expect(await call(without, tpp, '/roles/pi')).toBe('403 certificate_role_missing');
      });

      test('a route that demands certificates of some CAs is open to those, and to nobody else', async () => {
        const api = await start({});
        expect(await call(api, world.client1, '/roles/issued')).toEqual({});
        for (const path of ['/roles/other', '/roles/between'])
          expect(await call(api, world.client1, path)).toBe('403 certificate_issuer_unmet');
        logEntrances(api.app);
        const listed = JSON.stringify(api.logger.lines);
        for (const line of ['issued by CN=x or CN=Test CA', 'role PSP_PI']) expect(listed).toContain(line);
      });

      test('a token counts only with the certificate of its own client, where that is asked', async () => {
        const byName = await start({ client: 'subject-is-client-id' });
        expect(await call(byName, world.client1)).toEqual({ principal: 'CN=client1' });
        expect(await call(byName, world.client1, '/', 'client2')).toBe('401 certificate_client_mismatch');
        expect(await call(byName, injected)).toBe('401 certificate_client_mismatch');
        const byWorkload = await start({ client: 'spiffe' });
        const spiffeId = 'spiffe://bank.example/payments';
        expect(await call(byWorkload, workload, '/', spiffeId)).toEqual({ spiffeId });
        expect(await call(byWorkload, workload, '/', `${spiffeId}/x`)).toBe(
          '401 certificate_client_mismatch',
        );
      });
    },
  );
});
