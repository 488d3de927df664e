/** The part of oidc-provider that the sample uses; the package brings no types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';
  import type { TLSSocket } from 'node:tls';

  export class Provider {
    constructor(issuer: string, configuration: Configuration);
    callback(): RequestListener;
  }

  export const errors: { readonly InvalidTarget: new () => Error };

  export interface Context {
    readonly socket: TLSSocket;
  }

  export interface Client {
    readonly clientId: string;
  }

  export interface Token {
    readonly clientId?: string;
    readonly resourceServer?: ResourceServer;
  }

  export interface ResourceServer {
    readonly scope: string;
    readonly audience: string;
    readonly accessTokenTTL: number;
    readonly accessTokenFormat: 'jwt' | 'opaque';
    readonly jwt: { readonly sign: { readonly alg: string } };
  }

  /** Storage of one kind of token. */
  export interface Adapter {
    upsert(id: string, payload: object, expiresIn?: number): Promise<void>;
    find(id: string): Promise<object | undefined>;
    destroy(id: string): Promise<void>;
  }

  export interface Configuration {
    readonly adapter: (model: string) => Adapter;
    readonly clients: readonly Readonly<Record<string, unknown>>[];
    readonly clientAuthMethods: readonly string[];
    readonly clientDefaults: Readonly<Record<string, unknown>>;
    readonly jwks: { readonly keys: readonly object[] };
    readonly scopes: readonly string[];
    readonly ttl: Readonly<Record<string, (context: Context, token: Token) => number>>;
    readonly features: {
      readonly clientCredentials: Feature;
      readonly devInteractions: Feature;
      readonly dPoP: Feature;
      readonly introspection: Feature & TokenPolicy;
      readonly mTLS: Feature & {
        readonly certificateBoundAccessTokens: boolean;
        readonly tlsClientAuth: boolean;
        getCertificate(context: Context): unknown;
        certificateAuthorized(context: Context): boolean;
        certificateSubjectMatches(context: Context, property: string, expected: string): boolean;
      };
      readonly resourceIndicators: Feature & {
        defaultResource(context: Context): string;
        getResourceServerInfo(context: Context, resource: string, client: Client): ResourceServer;
      };
      readonly revocation: Feature & TokenPolicy;
      readonly rpInitiatedLogout: Feature;
      readonly userinfo: Feature;
    };
  }

  interface Feature {
    readonly enabled: boolean;
  }

  interface TokenPolicy {
    allowedPolicy(context: Context, client: Client, token: Token): boolean;
  }
}
