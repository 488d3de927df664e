import { forwardedBy, type ForwardAuthOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { watchDecisions } from '../support/watch-decisions.js';
import { qwac } from '../support/pki/qualified-statements.js';
import { createWorld, startAuthorizationServer } from '../support/world.js';
import { type Endpoint, optionsFor, startEndpoint, WAYS } from './support/endpoint.js';

const world = await createWorld();
let tpp: TestCertificate;
beforeAll(async () => {
  tpp = await world.ca.issueClientCertificate('tpp', qwac('PSP_PI', 'PSP_AI'));
});

const trustedProxies = ['loopback'] as const;
const issuers = [{ ca: world.ca.cert }];
const policy = { profile: 'psd2-qwac', issuers } as const;

/** The preset of each proxy, and the headers by which it passes a certificate on. */
const PRESETS = [
  [
    'nginx',
    forwardedBy.nginx({ trustedProxies, header: 'X-SSL-Client-Cert' }),
    ({ cert }: TestCertificate) => ({
      'x-ssl-client-cert': encodeURIComponent(cert),
      'x-ssl-client-verify': 'SUCCESS',
    }),
  ],
  [
    'Envoy',
    forwardedBy.envoy({ trustedProxies }),
    ({ cert }: TestCertificate) => ({ 'x-forwarded-client-cert': `Cert="${encodeURIComponent(cert)}"` }),
  ],
] as const;

describe.each(WAYS)('what a policy demands of the certificate, by %s', (way) => {
  describe.each(PRESETS)(
    'a certificate that %s passes on is judged by the policy',
    (_, preset, headersOf) => {
      const POLICIES: ForwardAuthOptions['policies'] = {
        pi: { psd2Roles: ['PSP_PI'], clientCertificate: { ...preset, policy } },
        both: { psd2Roles: ['PSP_PI', 'PSP_AI'], clientCertificate: { ...preset, policy } },
        as: { psd2Roles: ['PSP_PI', 'PSP_AS'], clientCertificate: { ...preset, policy } },
        issued: { certificateIssuedBy: [{ dn: 'CN=x' }, ...issuers], clientCertificate: preset },
        other: { certificateIssuedBy: [{ dn: 'CN=Other CA' }], clientCertificate: preset },
      };

      const start = async (): Promise<{ endpoint: Endpoint; as: TestAuthorizationServer }> => {
        const as = await startAuthorizationServer(world);
        return { as, endpoint: await startEndpoint(way, optionsFor(world, as, { policies: POLICIES })) };
      };

      test('only a certificate with all roles, or of one of the CAs, passes; any other gets 403 with the reason', async () => {
        const decisions = watchDecisions();
        const { as, endpoint } = await start();
        const token = await as.accessToken({ certificate: tpp });
        const statusOf = async (name: string): Promise<number> =>
          (await endpoint.ask(name, { token, headers: headersOf(tpp) })).status;
        for (const [name, status] of [
          ['pi', 200],
          ['both', 200],
          ['as', 403],
          ['issued', 200],
          ['other', 403],
        ] as const)
          expect([name, await statusOf(name)]).toEqual([name, status]);
        expect(decisions.flatMap((decision) => ('reason' in decision ? decision.reason : []))).toEqual([
          'certificate_role_missing',
          'certificate_issuer_unmet',
        ]);
      });
    },
  );
});
