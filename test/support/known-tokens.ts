import { Controller, Get, type INestApplication } from '@nestjs/common';
import {
  type AccessDecision,
  AccessToken,
  type AuthorizationServerOptions,
  type CertBoundAuthOptions,
  DecisionListener,
  type RefusalReason,
  Scopes,
  SenderConstrained,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { Response } from 'supertest';
import { PUBLIC_URL } from './dpop.js';
import type { Platform } from './platforms.js';
import { type ShownToken, TokenController } from './token-controller.js';
import { clientOf, startApi, type World } from './world.js';

/** The outcome of a request, as its client and the events of the app report it. */
export interface Outcome {
  readonly status: number;
  /** Whether the app knew the token already. */
  readonly hit: boolean;
  readonly reason: RefusalReason | undefined;
  readonly body: ShownToken;
}

/** The app did not know the token: it verified and accepted it. */
export const NEW = { status: 200, hit: false } as const;
/** The app knew the token, and accepted it. */
export const KNOWN = { status: 200, hit: true } as const;

/** The app knew the token, and refused it. */
export function knownButRefused(reason: RefusalReason): Partial<Outcome> {
  return { status: 401, hit: true, reason };
}

/** The app did not know the token: it verified and refused it. */
export function refusedAnew(reason: RefusalReason): Partial<Outcome> {
  return { status: 401, hit: false, reason };
}

/** How a token is sent. */
export interface CallOptions {
  /** @default '/', which shows the token */
  readonly path?: string;
  /** @default that of client1 */
  readonly certificate?: TestCertificate | 'none';
  readonly headers?: Readonly<Record<string, string>>;
}

/** An API that reports for each request whether it knew the token. */
export interface KnowingApi {
  readonly app: INestApplication;
  /** Sends a token as Bearer. */
  readonly call: (token: string, options?: CallOptions) => Promise<Outcome>;
  /** What the API has decided, oldest first. */
  readonly decisions: readonly AccessDecision[];
  /** Reads a response to the latest request. */
  readonly outcomeOf: (response: Response) => Outcome;
}

/** How {@link startKnowingApi} differs from the shortest configuration with DPoP. */
export interface KnowingApiOptions {
  readonly server?: Partial<AuthorizationServerOptions>;
  readonly options?: Partial<CertBoundAuthOptions>;
}

/** Starts such an API, which trusts this authorization server and ends with the test. */
export async function startKnowingApi(
  world: World,
  platform: Platform,
  as: TestAuthorizationServer,
  { server, options }: KnowingApiOptions = {},
): Promise<KnowingApi> {
  const decisions: AccessDecision[] = [];
  const onDecision = (decision: AccessDecision): number => decisions.push(decision);
  const trusted = [{ issuer: as.issuer, ...server }];
  const app = await startApi(world, platform, trusted, [TokenController, RoutesController], {
    options: { dpop: { publicUrl: PUBLIC_URL }, ...options },
    providers: [{ provide: DecisionListener, useValue: { onDecision } }],
  });
  const outcomeOf = ({ status, body }: Response): Outcome => {
    const decision = decisions.at(-1);
    const reason = decision?.outcome === 'accepted' ? undefined : decision?.reason;
    return { status, hit: decision?.cacheHit === true, reason, body: body as ShownToken };
  };
  return {
    app,
    decisions,
    outcomeOf,
    call: async (token, { path = '/', certificate = world.client1, headers = {} } = {}) => {
      const presented = certificate === 'none' ? undefined : certificate;
      return outcomeOf(await clientOf(app, world, presented, token).get(path).set(headers));
    },
  };
}

/** Routes with rules, and one whose handler spoils its token. */
@Controller()
class RoutesController {
  @Get('admin') @Scopes('admin') admin(): string {
    return 'admin';
  }
  @Get('dpop') @SenderConstrained('dpop') dpop(): string {
    return 'dpop';
  }
  @Get('spoil') spoil(@AccessToken() token: VerifiedAccessToken): string {
    spoil(token);
    return 'spoilt';
  }
}

/** Changes every member of a token, claims included, to values that would give its bearer more rights. */
export function spoil(token: VerifiedAccessToken): void {
  (token.scopes as Set<string>).add('admin');
  (token.audience as string[]).push('stolen');
  (token.boundBy as string[]).push('dpop');
  const claims = token.claims as Record<string, object>;
  for (const member of [token.confirmation, claims['cnf'] ?? {}]) spoilMembers(member);
  Object.assign(claims, { stolen: true, scope: 'admin' });
  Object.assign(token, { subject: 'somebody else', expiresAt: 1e12, issuer: 'stolen' });
}

function spoilMembers(object: object): void {
  for (const name of Object.keys(object)) Object.assign(object, { [name]: 'stolen' });
}
