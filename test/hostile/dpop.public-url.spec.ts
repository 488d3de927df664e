import type { INestApplication } from '@nestjs/common';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type DpopOptions, type HostileApp, startHostileApp, WAYS } from './hostile-app.js';
import { HostileClient } from './hostile-client.js';
import type { HostileRequest } from './request.js';
import { PLATFORMS } from '../support/platforms.js';
import { exchange } from './exchange.js';
import { DpopKit } from './dpop-kit.js';
import { PUBLIC_URL } from './hostile-kit.js';
import { ACCEPTED, INVALID_PROOF } from './rows/dpop/dpop-row.js';

const way = WAYS.globalGuards;

/** An `htu`, or one with a request that is not GET /main. */
type Target = string | (Partial<HostileRequest> & { readonly htu: string });

/** An API with this `publicUrl`, and the URLs that are then its own and those that are not. */
interface PublicUrlCase {
  readonly title: string;
  readonly publicUrl: DpopOptions['publicUrl'];
  readonly configure?: (app: INestApplication) => void;
  readonly ours: readonly Target[];
  readonly others: readonly Target[];
}

/** By a header that a proxy of the app's sets: nobody else can (the app has seen to that). */
function tenantOf(request: object): string | readonly string[] {
  const { headers } = request as { readonly headers: Readonly<Record<string, string | undefined>> };
  const tenant = headers['x-tenant'];
  if (tenant === 'both') return ['https://a.example.com', 'https://b.example.com'];
  return tenant === undefined ? [] : `https://${tenant}.example.com`;
}

function byTenant(name: string, htu: string): Target {
  return { headers: ['X-Tenant', name], htu };
}

const CASES: readonly PublicUrlCase[] = [
  {
    title: 'a prefix that a proxy takes away',
    publicUrl: `${PUBLIC_URL}/api/v1`,
    ours: [
      `${PUBLIC_URL}/api/v1/main`,
      `${PUBLIC_URL}/api/v1/main?page=2`,
      `${PUBLIC_URL}/api/./v1/../v1/main`,
      `${PUBLIC_URL}/%61pi/v1/main`,
      'https://PAY.example.com:443/api/v1/main',
      { path: '/', htu: `${PUBLIC_URL}/api/v1/` },
      { path: '/items/a%2Fb', htu: `${PUBLIC_URL}/api/v1/items/a%2fb` },
    ],
    others: [
      `${PUBLIC_URL}/main`,
      `${PUBLIC_URL}/api/main`,
      `${PUBLIC_URL}/api/v1`,
      `${PUBLIC_URL}/api/v1main`,
      `${PUBLIC_URL}/api/v1//main`,
      `${PUBLIC_URL}/api/v1/api/v1/main`,
      `${PUBLIC_URL}/api/v1/../main`,
      `${PUBLIC_URL}/api%2Fv1/main`,
      `${PUBLIC_URL}/API/v1/main`,
      `${PUBLIC_URL}/api/v2/main`,
    ],
  },
  {
    title: 'several',
    publicUrl: [PUBLIC_URL, 'https://old.example.org:8443/v2'],
    ours: [
      `${PUBLIC_URL}/main`,
      'https://old.example.org:8443/v2/main',
      'https://OLD.example.org:8443/v2/./main',
    ],
    others: [
      // Each is a whole: their parts do not mix.
      `${PUBLIC_URL}/v2/main`,
      `${PUBLIC_URL}:8443/v2/main`,
      'https://old.example.org:8443/main',
      'https://old.example.org/v2/main',
      'https://old.example.org/main',
      'https://evil.example/main',
    ],
  },
  {
    title: 'a function of the request',
    publicUrl: tenantOf,
    ours: [
      byTenant('a', 'https://a.example.com/main'),
      byTenant('b', 'https://b.example.com/main'),
      byTenant('both', 'https://a.example.com/main'),
      byTenant('both', 'https://b.example.com/main'),
    ],
    others: [
      byTenant('a', 'https://b.example.com/main'),
      byTenant('a', 'https://both.example.com/main'),
      byTenant('both', 'https://both.example.com/main'),
      byTenant('both', 'https://a.example.com/both'),
      { headers: ['X-Tenant', 'a'], host: 'b.example.com', htu: 'https://b.example.com/main' },
      // No URL is this request's.
      'https://a.example.com/main',
      'https://undefined.example.com/main',
      `${PUBLIC_URL}/main`,
    ],
  },
  {
    title: 'another spelling',
    publicUrl: 'https://PAY.Example.com:443',
    ours: [`${PUBLIC_URL}/main`, 'https://PAY.Example.com:443/main'],
    others: ['https://pay.example.com:8443/main', 'http://pay.example.com/main', `${PUBLIC_URL}:80/main`],
  },
  {
    title: 'plain http in development',
    publicUrl: 'http://localhost:3000',
    ours: ['http://localhost:3000/main', 'HTTP://LOCALHOST:3000/main'],
    others: [
      'https://localhost:3000/main',
      'http://localhost/main',
      'http://127.0.0.1:3000/main',
      { host: 'localhost', htu: 'http://localhost/main' },
    ],
  },
  {
    title: 'a global prefix of Nest',
    publicUrl: PUBLIC_URL,
    configure: (app) => app.setGlobalPrefix('v1'),
    ours: [
      { path: '/v1/main', htu: `${PUBLIC_URL}/v1/main` },
      { path: '/v1/main', query: 'page=2', htu: `${PUBLIC_URL}/v1/main` },
    ],
    others: [
      { path: '/v1/main', htu: `${PUBLIC_URL}/main` },
      { path: '/v1/main', htu: `${PUBLIC_URL}/v1/v1/main` },
    ],
  },
];

/** Express lets a middleware change `url`: what the client called is in `originalUrl`. */
const REWRITTEN: PublicUrlCase = {
  title: 'a middleware that rewrites the URL',
  publicUrl: PUBLIC_URL,
  configure: (app) =>
    app.use((request: { url: string }, _: unknown, next: () => void) => {
      request.url = request.url.replace(/^\/old\b/, '/main');
      next();
    }),
  ours: [
    { path: '/old', htu: `${PUBLIC_URL}/old` },
    { path: '/main', htu: `${PUBLIC_URL}/main` },
  ],
  others: [{ path: '/old', htu: `${PUBLIC_URL}/main` }],
};

let kit: DpopKit;
let client: HostileClient;

beforeAll(async () => {
  kit = await DpopKit.start();
  client = new HostileClient(kit.hostile.ca.cert);
});
afterAll(async () => {
  client.close();
  await kit.stop();
});

const SERVED = [
  ...PLATFORMS.flatMap((platform) => CASES.map((urlCase) => ({ platform, ...urlCase }))),
  { platform: 'express' as const, ...REWRITTEN },
];

describe.each(SERVED)(
  'publicUrl on $platform: $title',
  ({ platform, publicUrl, configure, ours, others }) => {
    let app: HostileApp;
    beforeAll(async () => {
      const options = { dpop: { publicUrl }, ...(configure === undefined ? {} : { configure }) };
      app = await startHostileApp(kit.hostile, platform, way, options);
    });
    afterAll(() => app.close());

    const requestFor = (target: Target): HostileRequest => {
      const { htu, ...request } = typeof target === 'string' ? { htu: target } : target;
      return kit.dpop(kit.jwt(), request, { claims: { htu } });
    };

    it.each(ours.map((target) => [JSON.stringify(target), target] as const))(
      'RFC9449-2: a proof for %s, which is ours, is accepted',
      async (_, target) => {
        await exchange(client, app, requestFor(target), ACCEPTED, { way });
      },
    );

    it.each(others.map((target) => [JSON.stringify(target), target] as const))(
      'RFC9449-2: a proof for %s, which is not ours, is refused',
      async (_, target) => {
        await exchange(client, app, requestFor(target), INVALID_PROOF, { way });
      },
    );
  },
);
