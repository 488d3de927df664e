import {
  type AuthorizationServerOptions,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestTokenOptions } from 'nestjs-cert-bound-auth/testing';
import { AUDIENCE, startAuthorizationServer, type World } from './world.js';

export const PARTNERS_AUDIENCE = 'https://partners.example.com';
export const LEGACY_AUDIENCE = 'https://legacy.example.com';

/** Where a proxy puts the certificates of its clients. */
export const IN_HEADER = {
  from: 'header',
  header: 'x-client-cert',
  format: 'pem',
  trustedProxies: ['127.0.0.1'],
  trust: 'proxy',
} as const;

/** Whose tokens there are: of the module itself, or of a policy. */
export type Api = 'own' | 'partners' | 'legacy';
export const APIS: readonly Api[] = ['own', 'partners', 'legacy'];

/** An app of three APIs: the third one has the issuer of the first, another audience, and takes unbound tokens. */
export interface ThreeApis {
  readonly as: TestAuthorizationServer;
  readonly partnersAs: TestAuthorizationServer;
  readonly options: CertBoundAuthOptions;
  /** A token for one of them, bound to the first client unless told otherwise. */
  readonly tokenFor: (api: Api, token?: TestTokenOptions) => Promise<string>;
}

/** @param server more options of every authorization server */
export async function startThreeApis(
  world: World,
  { policies = {}, ...options }: Partial<CertBoundAuthOptions> = {},
  server: Omit<AuthorizationServerOptions, 'issuer'> = {},
): Promise<ThreeApis> {
  const as = await startAuthorizationServer(world);
  const partnersAs = await startAuthorizationServer(world, { audience: PARTNERS_AUDIENCE });
  const audiences = { own: AUDIENCE, partners: PARTNERS_AUDIENCE, legacy: LEGACY_AUDIENCE };
  const each = { tls: { ca: world.ca.cert }, ...server };
  return {
    as,
    partnersAs,
    options: {
      audience: AUDIENCE,
      authorizationServers: [{ issuer: as.issuer, ...each }],
      ...options,
      policies: {
        ...policies,
        partners: {
          audience: PARTNERS_AUDIENCE,
          authorizationServers: [{ issuer: partnersAs.issuer, ...each }],
          realm: 'partners',
          ...policies['partners'],
        },
        legacy: { audience: LEGACY_AUDIENCE, binding: 'if-bound', ...policies['legacy'] },
      },
    },
    tokenFor: async (api, token) =>
      (api === 'partners' ? partnersAs : as).accessToken({
        certificate: world.client1,
        audience: audiences[api],
        ...token,
      }),
  };
}

export function moduleOf({ options }: ThreeApis): ReturnType<typeof CertBoundAuthModule.forRoot> {
  return CertBoundAuthModule.forRoot(options);
}
