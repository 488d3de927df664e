import { type INestApplication, type Type } from '@nestjs/common';
import type { CertBoundAuthOptions, DpopOptions } from 'nestjs-cert-bound-auth';
import type {
  TestAuthorizationServer,
  TestCertificate,
  TestDpopClient,
  TestDpopProofOptions,
} from 'nestjs-cert-bound-auth/testing';
import type supertest from 'supertest';
import type { Platform } from './platforms.js';
import { clientOf, startApi, type StartApiOptions, startAuthorizationServer, type World } from './world.js';

/** Where the clients of these tests see the API, wherever it listens. */
export const PUBLIC_URL = 'https://api.example.com';

/** Options of {@link startDpopApi}. */
export interface StartDpopApiOptions extends StartApiOptions {
  readonly dpop?: Partial<DpopOptions>;
}

/** An API that accepts DPoP proofs, and the authorization server that it trusts. */
export interface DpopApi {
  readonly as: TestAuthorizationServer;
  readonly app: INestApplication;
}

/** Starts an API that accepts DPoP proofs beside certificates, and opaque tokens beside JWTs. */
export async function startDpopApi(
  world: World,
  platform: Platform,
  controllers: readonly Type[],
  { dpop, options, ...start }: StartDpopApiOptions = {},
): Promise<DpopApi> {
  const as = await startAuthorizationServer(world);
  const all: Partial<CertBoundAuthOptions> = {
    ...as.moduleOptions,
    dpop: { publicUrl: PUBLIC_URL, ...dpop },
    ...options,
  };
  return { as, app: await startApi(world, platform, as, controllers, { ...start, options: all }) };
}

/** What is sent beside the proof. */
export interface SendOptions extends Omit<TestDpopProofOptions, 'url' | 'token'> {
  readonly path?: string;
  /** @default the path under {@link PUBLIC_URL} */
  readonly url?: string;
  readonly certificate?: TestCertificate;
}

/** Sends a request with a token and a proof, as a right client does unless told otherwise. */
export async function sendDpop(
  app: INestApplication,
  world: World,
  client: TestDpopClient,
  token: string,
  { path = '/', url = `${PUBLIC_URL}${path}`, certificate, ...proof }: SendOptions = {},
): Promise<supertest.Response> {
  const headers = await client.headers({ ...proof, url, token });
  const requests = clientOf(app, world, certificate);
  return (proof.method === 'POST' ? requests.post(path) : requests.get(path)).set({ ...headers });
}
