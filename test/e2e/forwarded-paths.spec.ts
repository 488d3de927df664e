import { Controller, Get } from '@nestjs/common';
import * as x509 from '@peculiar/x509';
import {
  CertBoundAuthModule,
  type CertificateTrustOptions,
  forwardedBy,
  type HeaderClientCertificateOptions,
} from 'nestjs-cert-bound-auth';
import supertest from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificateThumbprint } from '../../lib/client-certificate/certificate-thumbprint.js';
import { issue, type Party } from '../client-certificate/chain/parties.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { createWorld, startAuthorizationServer, whenOver } from '../support/world.js';

@Controller()
class TestController {
  @Get() get(): string {
    return 'ok';
  }
}

/** How a proxy passes on a certificate with its chain. */
interface Carrier {
  readonly name: string;
  readonly source: (trust: CertificateTrustOptions) => HeaderClientCertificateOptions;
  readonly headers: (leaf: Party, chain: readonly Party[]) => Readonly<Record<string, string>>;
}

const trustedProxies = ['loopback'];
const item = ({ certificate }: Party): string => `:${certificate.raw.toString('base64')}:`;
const pem = (...parties: readonly Party[]): string =>
  parties.map(({ certificate }) => certificate.toString()).join('');

const CARRIERS: readonly Carrier[] = [
  {
    name: 'RFC 9440',
    source: (trust) => forwardedBy.rfc9440({ trustedProxies, trust }),
    headers: (leaf, chain) => ({
      'Client-Cert': item(leaf),
      ...(chain.length === 0 ? {} : { 'Client-Cert-Chain': chain.map(item).join(', ') }),
    }),
  },
  {
    name: 'Envoy',
    source: (trust) => forwardedBy.envoy({ trustedProxies, trust }),
    headers: (leaf, chain) => ({
      'x-forwarded-client-cert': `Cert="${encodeURIComponent(pem(leaf))}";Chain="${encodeURIComponent(pem(leaf, ...chain))}"`,
    }),
  },
  {
    name: 'Traefik',
    source: (trust) => forwardedBy.traefik({ trustedProxies, trust }),
    headers: (leaf, chain) => ({
      'X-Forwarded-Tls-Client-Cert': [leaf, ...chain]
        .map(({ certificate }) => certificate.raw.toString('base64'))
        .join(),
    }),
  },
];

/** A certificate as it comes, and what is made of it: a reason with a part of its detail, or `undefined`. */
interface Row {
  readonly trust: CertificateTrustOptions;
  readonly leaf: Party;
  readonly chain: readonly Party[];
  readonly refused?: readonly [reason: string, detail: string];
}

const UNTRUSTED = 'certificate_untrusted';
const INCOMPLETE = 'certificate_path_incomplete';
const world = await createWorld();
let rows: Readonly<Record<string, Row>>;

beforeAll(async () => {
  const root = await issue('root', { ca: true });
  const middle = await issue('middle', { ca: true, issuer: root });
  const client = await issue('client', { issuer: middle });
  const trust = { ca: pem(root) };
  const below = async (issuer: Party): Promise<Party> => issue('client', { issuer });

  const [one, two] = [await issue('one', { ca: true }), await issue('two', { ca: true })];
  const oneByTwo = await issue('one', { ca: true, issuer: two, keys: one.keys });
  const twoByOne = await issue('two', { ca: true, issuer: one, keys: two.keys });
  const expired = await issue('expired', { ca: true, issuer: root, notAfter: -1000 });
  const host = await issue('host', { issuer: root });
  const usurper = await issue('middle', { ca: true });
  const narrow = await issue('narrow', { ca: true, issuer: root, pathLength: 0 });
  const under = await issue('under', { ca: true, issuer: narrow });
  const permitted = new x509.Extension('2.5.29.30', true, namesBelow('example.com'));
  const constrained = await issue('constrained', { ca: true, issuer: root, extensions: [permitted] });
  const named = async (name: string): Promise<Party> =>
    issue('client', {
      issuer: constrained,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
    });

  rows = {
    'the chain that it came with': { trust, leaf: client, chain: [middle] },
    'an intermediate of the configuration': {
      trust: { ...trust, intermediates: pem(middle) },
      leaf: client,
      chain: [],
    },
    'an intermediate among the CAs': { trust: { ca: [pem(root), pem(middle)] }, leaf: client, chain: [] },
    'an intermediate that is trusted by itself': {
      trust: { ca: pem(middle), partialChains: true },
      leaf: client,
      chain: [],
    },
    'a name within the constraints': { trust, leaf: await named('a.example.com'), chain: [constrained] },
    'a cross certificate': { trust: { ca: pem(two) }, leaf: await below(one), chain: [oneByTwo] },
    'no intermediate': {
      trust,
      leaf: client,
      chain: [],
      refused: [INCOMPLETE, 'CN=client is not known (its name: CN=middle)'],
    },
    'an intermediate that is trusted by itself for those of its root': {
      trust: { ca: pem(middle), partialChains: true },
      leaf: await below(root),
      chain: [root],
      refused: [UNTRUSTED, 'no path leads to a trusted CA'],
    },
    'CAs that have signed one another': {
      trust,
      leaf: await below(one),
      chain: [oneByTwo, twoByOne],
      refused: [UNTRUSTED, 'no path leads'],
    },
    'an intermediate that has expired': {
      trust,
      leaf: await below(expired),
      chain: [expired],
      refused: [UNTRUSTED, 'CN=expired has expired'],
    },
    'a configured intermediate that has expired': {
      trust: { ...trust, intermediates: pem(expired) },
      leaf: await below(expired),
      chain: [],
      refused: [UNTRUSTED, 'CN=expired has expired'],
    },
    'the certificate of a client as issuer': {
      trust,
      leaf: await below(host),
      chain: [host],
      refused: [INCOMPLETE, 'CN=client is not known (its name: CN=host)'],
    },
    'a CA of the right name with another key': {
      trust: { ...trust, intermediates: pem(middle) },
      leaf: await below(usurper),
      chain: [middle],
      refused: [INCOMPLETE, 'CN=client is not known (its name: CN=middle)'],
    },
    'the same with its own certificate': {
      trust: { ...trust, intermediates: pem(middle) },
      leaf: await below(usurper),
      chain: [usurper, middle],
      refused: [UNTRUSTED, 'no path leads'],
    },
    'one CA more than its path length': {
      trust,
      leaf: await below(under),
      chain: [under, narrow],
      refused: [UNTRUSTED, 'CN=narrow may not stand so high in a chain'],
    },
    'a name outside the constraints': {
      trust,
      leaf: await named('example.org'),
      chain: [constrained],
      refused: [UNTRUSTED, 'has a name that a CA above it may not give'],
    },
    'a root that came with it': {
      trust,
      leaf: await below(two),
      chain: [two],
      refused: [UNTRUSTED, 'no path leads'],
    },
  };
});

/** `NameConstraints` with one permitted DNS name. */
function namesBelow(host: string): Uint8Array {
  const name = Buffer.from(host);
  const subtree = Buffer.concat([Buffer.from([0x30, name.length + 2, 0x82, name.length]), name]);
  return Buffer.concat([Buffer.from([0x30, subtree.length + 2, 0xa0, subtree.length]), subtree]);
}

describe.each(PLATFORMS)('paths of certificates that a proxy passes on, on %s', (platform) => {
  test.each(CARRIERS)(
    'RFC5280-6: each path is accepted or refused for its own reason, from $name',
    async ({ source, headers }) => {
      const as = await startAuthorizationServer(world);
      for (const [title, { trust, leaf, chain, refused }] of Object.entries(rows)) {
        const logger = new RecordingLogger();
        const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, clientCertificate: source(trust) });
        const app = await startApp(
          platform,
          { module: class App {}, imports: [auth], controllers: [TestController] },
          undefined,
          { logger },
        );
        whenOver(async () => app.close());
        const token = await as.accessToken({
          claims: { cnf: { 'x5t#S256': certificateThumbprint(leaf.certificate.raw) } },
        });
        const { status } = await supertest(app.getHttpServer() as never)
          .get('/')
          .auth(token, { type: 'bearer' })
          .set(headers(leaf, chain));
        const text = logger.ours.map((line) => line.text).find((line) => line.includes('refused'));
        expect([title, status]).toEqual([title, refused === undefined ? 200 : 401]);
        if (refused === undefined) continue;
        expect([title, text]).toEqual([title, expect.stringContaining(`reason=${refused[0]}`)]);
        expect([title, text]).toEqual([title, expect.stringContaining(refused[1])]);
      }
    },
  );
});
