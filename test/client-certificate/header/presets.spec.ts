import { describe, expect, test } from 'vitest';
import type { HeaderClientCertificateOptions } from '../../../lib/cert-bound-auth.options.js';
import { forwardedBy } from '../../../lib/client-certificate/header/presets.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';

const trustedProxies = ['10.0.0.0/8', 'unix'];
const header = 'X-Cert';

/** Options of an app without where its certificates come from. */
const REST = {
  audience: 'https://api.example.com',
  authorizationServers: [{ issuer: 'https://as.example.com' }],
};

/** The least that a preset takes, and what comes of it beside `from` and the proxies. */
type Preset = readonly [
  name: string,
  options: HeaderClientCertificateOptions,
  expected: Omit<HeaderClientCertificateOptions, 'from' | 'trustedProxies'>,
];

const LEAST: readonly Preset[] = [
  ['nginx', forwardedBy.nginx({ header, trustedProxies }), { header, format: 'pem', trust: 'proxy' }],
  [
    'ingressNginx',
    forwardedBy.ingressNginx({ trustedProxies }),
    {
      header: 'ssl-client-cert',
      format: 'pem',
      trust: 'proxy',
      verifyHeader: { name: 'ssl-client-verify', value: 'SUCCESS' },
    },
  ],
  [
    'haproxy',
    forwardedBy.haproxy({ header, trustedProxies }),
    { header, format: { der: { list: false } }, trust: 'proxy' },
  ],
  ['apache', forwardedBy.apache({ header, trustedProxies }), { header, format: 'pem', trust: 'proxy' }],
  [
    'caddy',
    forwardedBy.caddy({ header, trustedProxies }),
    { header, format: { der: { list: false } }, trust: 'proxy' },
  ],
  [
    'envoy',
    forwardedBy.envoy({ trustedProxies }),
    { header: 'x-forwarded-client-cert', format: 'xfcc', trust: 'proxy' },
  ],
  [
    'traefik',
    forwardedBy.traefik({ trustedProxies }),
    { header: 'x-forwarded-tls-client-cert', format: 'der', trust: 'proxy' },
  ],
  [
    'awsAlb',
    forwardedBy.awsAlb({ trustedProxies }),
    { header: 'x-amzn-mtls-clientcert-leaf', format: 'pem', trust: 'proxy' },
  ],
  [
    'awsAlb in passthrough mode',
    forwardedBy.awsAlb({ mode: 'passthrough', trust: 'any', trustedProxies }),
    { header: 'x-amzn-mtls-clientcert', format: 'pem', trust: 'any' },
  ],
  [
    'cloudFront',
    forwardedBy.cloudFront({ trustedProxies }),
    { header: 'cloudfront-viewer-cert-pem', format: 'pem', trust: 'proxy' },
  ],
  [
    'azureAppService',
    forwardedBy.azureAppService({ trust: 'any', trustedProxies }),
    { header: 'x-arr-clientcert', format: { der: { list: false } }, trust: 'any' },
  ],
  [
    'azureApplicationGateway',
    forwardedBy.azureApplicationGateway({ header, trustedProxies }),
    { header, format: 'pem', trust: 'proxy' },
  ],
  [
    'googleCloud',
    forwardedBy.googleCloud({ header, trustedProxies }),
    { header, format: 'rfc9440', trust: 'proxy' },
  ],
  [
    'cloudflare',
    forwardedBy.cloudflare({ trust: 'any', trustedProxies }),
    { header: 'cf-client-cert-der-base64', format: 'der', trust: 'any' },
  ],
  [
    'cloudflare with Client-Cert',
    forwardedBy.cloudflare({ format: 'rfc9440', trust: 'proxy', trustedProxies }),
    { header: 'client-cert', format: 'rfc9440', trust: 'proxy' },
  ],
  [
    'cloudFoundry',
    forwardedBy.cloudFoundry({ trustedProxies }),
    { header: 'x-forwarded-client-cert', format: { der: { list: false } }, trust: 'proxy' },
  ],
  ['f5', forwardedBy.f5({ header, trustedProxies }), { header, format: 'der', trust: 'proxy' }],
  [
    'f5 with PEM',
    forwardedBy.f5({ header, format: 'pem', trustedProxies }),
    { header, format: 'pem', trust: 'proxy' },
  ],
  [
    'rfc9440',
    forwardedBy.rfc9440({ trustedProxies }),
    { header: 'client-cert', chainHeader: 'client-cert-chain', format: 'rfc9440', trust: 'proxy' },
  ],
];

describe('INV2: the presets for proxies', () => {
  test.each(LEAST)('the preset %s fills in everything but what only you know', (_, options, expected) => {
    expect(options).toStrictEqual({ from: 'header', trustedProxies, ...expected });
  });

  test('every preset has a row in this table', () => {
    const tested = new Set(LEAST.map(([name]) => name.split(' ')[0]));
    expect(Object.keys(forwardedBy)).toEqual([...tested]);
  });

  const named = { header: 'x-other', trust: 'any', trustedProxies } as const;
  test.each(Object.entries<(options: typeof named) => HeaderClientCertificateOptions>(forwardedBy))(
    'the preset %s takes a header and a trust of your own',
    (_, preset) => {
      expect(preset(named)).toMatchObject(named);
    },
  );

  test.each([
    ['awsAlb', forwardedBy.awsAlb({ mode: 'verify', ...named })],
    ['awsAlb in passthrough mode', forwardedBy.awsAlb({ mode: 'passthrough', ...named })],
  ])('the preset %s takes a header and a trust of your own, whatever the mode', (_, options) => {
    expect(options).toStrictEqual({ from: 'header', format: 'pem', ...named });
  });

  test('the preset envoy takes another hop', () => {
    expect(forwardedBy.envoy({ hop: 2, trustedProxies }).format).toEqual({ xfcc: { hop: 2 } });
    expect(forwardedBy.envoy({ hashAlone: true, trustedProxies }).format).toEqual({
      xfcc: { hashAlone: true },
    });
  });

  test.each([
    ['apache', forwardedBy.apache({ header, chainHeader: 'x-chain', trustedProxies })],
    ['googleCloud', forwardedBy.googleCloud({ header, chainHeader: 'x-chain', trustedProxies })],
    ['cloudflare', forwardedBy.cloudflare({ trust: 'any', chainHeader: 'x-chain', trustedProxies })],
    ['f5', forwardedBy.f5({ header, chainHeader: 'x-chain', trustedProxies })],
    ['rfc9440', forwardedBy.rfc9440({ chainHeader: 'x-chain', trustedProxies })],
  ])('the preset %s takes a header for the chain', (_, options) => {
    expect(options.chainHeader).toBe('x-chain');
  });
});

describe('INV2: the verdict of the proxy, in its own words', () => {
  const verifyHeader = 'X-Verify';
  const own = { name: 'X-Verify', value: 'yes' };
  const cases = [
    ['nginx', 'SUCCESS', forwardedBy.nginx],
    ['ingressNginx', 'SUCCESS', forwardedBy.ingressNginx],
    ['haproxy', '0', forwardedBy.haproxy],
    ['apache', 'SUCCESS', forwardedBy.apache],
    ['azureApplicationGateway', 'SUCCESS', forwardedBy.azureApplicationGateway],
    ['googleCloud', 'true', forwardedBy.googleCloud],
    ['cloudflare', 'true', forwardedBy.cloudflare],
    ['f5', '0', forwardedBy.f5],
  ] as const;

  test.each(cases)('the verdict of %s is %s', (_, value, preset) => {
    const options = { header, trust: 'proxy', trustedProxies } as const;
    expect(preset({ ...options, verifyHeader }).verifyHeader).toEqual({ name: verifyHeader, value });
    expect(preset({ ...options, verifyHeader: own }).verifyHeader).toEqual(own);
  });

  test("the preset ingressNginx demands no verdict where trust is not 'proxy'", () => {
    const options = forwardedBy.ingressNginx({ trust: 'any', trustedProxies });
    expect(options).not.toHaveProperty('verifyHeader');
    expect(forwardedBy.ingressNginx({ trust: { ca: 'PEM' }, trustedProxies })).not.toHaveProperty(
      'verifyHeader',
    );
  });
});

describe('INV8: what a preset cannot know must be said', () => {
  test('the compiler and the check at boot both ask for the trust of a proxy that verifies nothing', () => {
    const unsaid = [
      // @ts-expect-error the platform does not verify
      forwardedBy.azureAppService({ trustedProxies }),
      // @ts-expect-error nor does this one
      forwardedBy.awsAlb({ mode: 'passthrough', trustedProxies }),
      // @ts-expect-error nor this one, by itself
      forwardedBy.cloudflare({ trustedProxies }),
    ];
    for (const clientCertificate of unsaid) {
      expect(() => resolveOptions({ ...REST, clientCertificate })).toThrow(
        /^ {2}- clientCertificate\.trust \(undefined\): say who verifies the chain/m,
      );
    }
  });

  test('the compiler alone knows that such a proxy never verifies', () => {
    const said = [
      // @ts-expect-error it does not
      forwardedBy.azureAppService({ trust: 'proxy', trustedProxies }),
      // @ts-expect-error it does not
      forwardedBy.awsAlb({ mode: 'passthrough', trust: 'proxy', trustedProxies }),
    ];
    for (const { trust } of said) expect(trust).toBe('proxy');
  });

  test('the header must be given where the proxy has no name for it, and so must the proxies', () => {
    const unsaid = [
      // @ts-expect-error no header
      forwardedBy.nginx({ trustedProxies }),
      // @ts-expect-error no header
      forwardedBy.haproxy({ trustedProxies }),
      // @ts-expect-error no header
      forwardedBy.apache({ trustedProxies }),
      // @ts-expect-error no header
      forwardedBy.caddy({ trustedProxies }),
      // @ts-expect-error no header
      forwardedBy.azureApplicationGateway({ trustedProxies }),
      // @ts-expect-error no header
      forwardedBy.googleCloud({ trustedProxies }),
      // @ts-expect-error no header
      forwardedBy.f5({ trustedProxies }),
    ];
    for (const clientCertificate of unsaid) {
      expect(() => resolveOptions({ ...REST, clientCertificate })).toThrow(
        /clientCertificate\.header \(undefined\)/,
      );
    }
    // @ts-expect-error no proxies
    const nobody = forwardedBy.envoy({});
    expect(() => resolveOptions({ ...REST, clientCertificate: nobody })).toThrow(
      /clientCertificate\.trustedProxies \(undefined\)/,
    );
  });

  test('a misspelt option is handed on, and stops the boot', () => {
    // @ts-expect-error there is no such option
    const slip = forwardedBy.nginx({ header, trustedProxies, verifyheader: 'X-Verify' });
    expect(() => resolveOptions({ ...REST, clientCertificate: slip })).toThrow(
      /clientCertificate\.verifyheader/,
    );
  });

  test.each(LEAST)('the options that the preset %s makes are accepted at boot', (_, clientCertificate) => {
    expect(resolveOptions({ ...REST, clientCertificate }).clientCertificate).toMatchObject({
      from: 'header',
      format: clientCertificate.format,
      trust: clientCertificate.trust,
    });
  });
});
