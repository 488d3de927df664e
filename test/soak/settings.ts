/** The platforms; there is an API on each. */
export const PLATFORMS = ['express', 'fastify'] as const;
export type Platform = (typeof PLATFORMS)[number];

export const AUDIENCE = 'https://api.example.com';

/** Where the APIs are, for proofs. */
export const PUBLIC_URL = 'https://api.example.com';

export const SCOPE = 'accounts:write';

/** The routes: any token, one with {@link SCOPE}, anybody. */
export const ROUTES = { any: '/accounts', scoped: '/accounts/scoped', public: '/accounts/public' } as const;

/** Paths of the TLS files of the APIs. */
export interface TlsPaths {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** What the process of the APIs is started with. */
export interface ApiSettings {
  readonly tls: TlsPaths;
  /** The CA of the authorities, PEM. */
  readonly ca: string;
  readonly issuers: Readonly<Record<Platform, string>>;
}

/** Whose tokens an API is to refuse from now on. */
export interface RevokedSubject {
  readonly platform: Platform;
  readonly issuer: string;
  readonly subject: string;
}

/** Memory of the process of the APIs after a collection, in bytes. */
export interface Memory {
  readonly heap: number;
  readonly rss: number;
}
