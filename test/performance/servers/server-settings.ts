import type { JWK } from 'jose';

/** Who answers the requests. */
export type ServerVariant =
  /** Nest without any protection. */
  | 'nest'
  /** Nest with a global guard that lets everything pass. */
  | 'empty-guard'
  /** Nest with a global guard that calls `jose.jwtVerify` and nothing else. */
  | 'jwt-verify-guard'
  /** Nest with a global guard that verifies the signature of the DPoP proof and nothing else. */
  | 'signature-guard'
  /** Nest with this library. */
  | 'library'
  /** Nest with passport-http-bearer, jose and a guard that compares thumbprints. */
  | 'hand-written'
  /** Express 5 without any protection. */
  | 'express'
  /** Express 5 with express-oauth2-jwt-bearer, mTLS on. */
  | 'auth0'
  /** Express 5 with passport-jwt, which knows no binding. */
  | 'passport-jwt';

export type Platform = 'express' | 'fastify';

/** What requests come in by. */
export type Entrance = 'http' | 'ws' | 'grpc';

/** What a server process is started with. */
export interface ServerSettings {
  readonly variant: ServerVariant;
  /** What Nest runs on. */
  readonly platform: Platform;
  /** PEM. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly audience: string;
  /** The issuers that are trusted, and where each one's keys are; the peers know the first. */
  readonly issuers: readonly { readonly issuer: string; readonly jwksUri: string }[];
  /** The keys of the first issuer, for the peers that fetch none. */
  readonly keys: readonly JWK[];
  /** Introspection of opaque tokens at the first issuer, with a cache. */
  readonly introspectionEndpoint?: string;
  /** Whether DPoP proofs are accepted. */
  readonly dpop?: boolean;
  /** How many tokens have been revoked, none of which comes. @default the option `revocations` is not given */
  readonly revokedTokens?: number;
  /** Of Nest, open or with this library. @default 'http' */
  readonly entrance?: Entrance;
  /** The root of another checkout, built for the benchmark, whose server it is. @default this one */
  readonly checkout?: string;
  /** Servers with different ones share nothing. */
  readonly instance?: string;
}

/** Where the API is, for proofs. */
export const PUBLIC_URL = 'https://api.example.com';

/** The route that is asked for. */
export const PATH = '/payments';

/** The path of the gateway that messages are sent to. */
export const GATEWAY_PATH = '/messages';

/** A route that demands a scope. */
export const SCOPED_PATH = '/payments/scoped';

/** The scope that it demands. */
export const SCOPE = 'payments:read';

/** What every route of every variant answers. */
export const ANSWER = { status: 'booked' };
