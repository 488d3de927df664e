import { STATUS_CODES } from 'node:http';
import { expect } from 'vitest';
import { type Challenge, parseChallenges } from './challenge.js';
import type { HostileAnswer, HostileApp, Way } from './hostile-app.js';
import { headerValues, type HostileClient, type HostileResponse } from './hostile-client.js';
import {
  type Accepted,
  type Expectation,
  type NoCredentials,
  type Refused,
  statusOf,
} from './hostile-row.js';
import type { HostileRequest } from './request.js';

/** What the app under test was told, as far as its answers show it. */
export interface Surroundings {
  readonly way: Way;
  /** @default all that the library knows */
  readonly algs?: readonly string[];
  readonly realm?: string;
  /** The app does not offer DPoP. */
  readonly dpop?: 'off';
  /** Whether proofs need a nonce. @default false: then no answer has one */
  readonly nonces?: true;
}

const ALL_ALGS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'EdDSA', 'Ed25519'];

/** Names that `VerifiedAccessToken.confirmation` has. */
const CONFIRMED = { certificate: 'certificateThumbprint', dpop: 'jwkThumbprint' } as const;

/** Sends a request, and checks everything about its answer and how often the handler ran. */
export async function exchange(
  client: HostileClient,
  app: HostileApp,
  request: HostileRequest,
  expected: Expectation,
  surroundings: Surroundings,
): Promise<HostileResponse> {
  const runsBefore = app.runs();
  const response = await client.send(app.port, request);
  expectOutcome(expected, request, response, surroundings);
  expect(app.runs() - runsBefore, 'times the handler ran').toBe(expected.kind === 'accepted' ? 1 : 0);
  return response;
}

function expectOutcome(
  expected: Expectation,
  request: HostileRequest,
  response: HostileResponse,
  surroundings: Surroundings,
): void {
  expect(response.status, response.body).toBe(statusOf(expected));
  const error = errorOf(expected, request, response, surroundings);
  expectNonce(error, response, surroundings);
  expectNothingInjected(response);
}

/** @returns the error that the challenges name */
function errorOf(
  expected: Expectation,
  request: HostileRequest,
  response: HostileResponse,
  surroundings: Surroundings,
): string | undefined {
  switch (expected.kind) {
    case 'accepted':
      return expectAnswer(expected, request, response);
    case 'unavailable':
      expectRetryAfter(response);
      return expectRefusal(expected, undefined, request, response, surroundings);
    case 'no credentials':
    case 'refused': {
      const error = expectChallenges(expected, response, surroundings);
      return expectRefusal(expected, error, request, response, surroundings);
    }
  }
}

function expectAnswer({ boundBy }: Accepted, request: HostileRequest, response: HostileResponse): undefined {
  expect(headerValues(response, 'www-authenticate')).toEqual([]);
  if (request.method === 'HEAD') return;
  const { certificate, ...told } = JSON.parse(response.body) as HostileAnswer;
  const confirmation = boundBy.map((name) => CONFIRMED[name]);
  expect(told).toEqual({ boundBy, confirmation });
  if (boundBy.includes('certificate') && request.certificate !== 'none')
    expect(certificate, 'thumbprint that the handler was told').toBe(request.certificate.thumbprint);
  if (boundBy.length === 0) expect(certificate, 'thumbprint on a public route').toBeNull();
}

function expectRefusal(
  expected: Exclude<Expectation, Accepted>,
  error: string | undefined,
  request: HostileRequest,
  response: HostileResponse,
  { way }: Surroundings,
): string | undefined {
  if (request.method !== 'HEAD') expectBody(expected, error, response, way);
  expectNoEcho(request, response);
  return error;
}

function expectRetryAfter(response: HostileResponse): void {
  expect(headerValues(response, 'retry-after').join()).toMatch(/^\d+$/);
  expect(headerValues(response, 'www-authenticate'), 'an outage is no refusal').toEqual([]);
}

/** @returns the error that the challenges name */
function expectChallenges(
  expected: NoCredentials | Refused,
  response: HostileResponse,
  surroundings: Surroundings,
): string | undefined {
  const fields = headerValues(response, 'www-authenticate');
  expect(fields, 'WWW-Authenticate').toHaveLength(1);
  const challenges = parseChallenges(fields.join());
  for (const challenge of challenges) expectWellFormed(challenge, surroundings);
  expectSchemes(expected, challenges, surroundings);
  const errors = challenges.flatMap(({ parameters }) => parameters.get('error') ?? []);
  if (expected.kind === 'no credentials') expect(errors).toEqual([]);
  else {
    expect(errors, 'one error').toHaveLength(1);
    expect(expected.errors).toContain(errors[0]);
    expectScope(expected, challenges);
  }
  return errors[0];
}

/** RFC 9110 §11: the realm is for each scheme; RFC 9449 §7.1: the algorithms are for DPoP. */
function expectWellFormed({ scheme, parameters }: Challenge, { algs = ALL_ALGS, realm }: Surroundings): void {
  expect(parameters.get('realm'), `realm of ${scheme}`).toBe(realm);
  const named = parameters.get('algs')?.split(' ').toSorted();
  expect(named, `algs of ${scheme}`).toEqual(scheme === 'DPoP' ? algs.toSorted() : undefined);
  // RFC 6750 §3: %x20-21 / %x23-5B / %x5D-7E
  expect(parameters.get('error_description') ?? '').toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/);
  expect(parameters.has('error_description'), `error_description of ${scheme}`).toBe(parameters.has('error'));
}

/**
 * Without credentials, and after a Bearer token that was refused, a client learns that there are both schemes; who has
 * chosen DPoP is not led back to Bearer; 400 and 403 are no question of the scheme.
 */
function expectSchemes(
  expected: NoCredentials | Refused,
  challenges: readonly Challenge[],
  { dpop }: Surroundings,
): void {
  if (expected.kind === 'refused' && expected.scheme === 'untold') return;
  const used = expected.kind === 'refused' ? expected.scheme : 'Bearer';
  const both = dpop !== 'off' && statusOf(expected) === 401 && used === 'Bearer';
  expect(challenges.map(({ scheme }) => scheme)).toEqual(both ? ['Bearer', 'DPoP'] : [used]);
  const blamed = challenges.filter(({ parameters }) => parameters.has('error')).map(({ scheme }) => scheme);
  expect(blamed, 'scheme with the error').toEqual(expected.kind === 'refused' ? [used] : []);
}

/** RFC 6750 §3.1: what would have been needed. */
function expectScope({ status }: Refused, challenges: readonly Challenge[]): void {
  const scopes = challenges.map(({ parameters }) => parameters.get('scope'));
  if (status === 403)
    expect(scopes.join()).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/);
  else expect(scopes.filter((scope) => scope !== undefined)).toEqual([]);
}

function expectBody(
  expected: Exclude<Expectation, Accepted>,
  code: string | undefined,
  response: HostileResponse,
  way: Way,
): void {
  const body = JSON.parse(response.body) as Readonly<Record<string, unknown>>;
  const bare = way.bareUnauthorized === true && expected.kind === 'no credentials';
  const error = code ?? STATUS_CODES[response.status];
  expect(body).toEqual({
    statusCode: response.status,
    message: expect.any(String) as unknown,
    ...(bare && !('error' in body) ? {} : { error }),
  });
}

/** RFC 9449 §8.2 and §9: one nonce where it is asked for, never in a cache. */
function expectNonce(error: string | undefined, response: HostileResponse, { nonces }: Surroundings): void {
  const values = headerValues(response, 'dpop-nonce');
  if (nonces !== true) expect(values, 'DPoP-Nonce').toEqual([]);
  if (error === 'use_dpop_nonce') expect(values, 'DPoP-Nonce').toHaveLength(1);
  expect(values.length, 'number of DPoP-Nonce').toBeLessThanOrEqual(1);
  // RFC 9449 §8.1: 1*NQCHAR
  for (const value of values) expect(value).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/);
  if (values.length > 0) expect(headerValues(response, 'cache-control').join()).toContain('no-store');
}

/** Neither a token, a proof, nor what is in them comes back, wherever the request had them. */
function expectNoEcho(request: HostileRequest, response: HostileResponse): void {
  // A nonce that is asked for is ours: that it may be a client's last one is no echo.
  const nonces = headerValues(response, 'dpop-nonce');
  const headers = response.rawHeaders.filter((text) => !nonces.includes(text));
  // The scopes that a route needs are told, whoever has them in a token.
  const answered = [...headers, response.body].join('\n').replaceAll(/scope="[^"]*"/g, '');
  for (const secret of secretsOf(request)) {
    // A message with the whole answer would put the token into the test report.
    expect(answered.includes(secret), `echo of ${secret.slice(0, 20)}…`).toBe(false);
  }
}

function secretsOf({
  authorization = '',
  query = '',
  body,
  headers = [],
}: HostileRequest): readonly string[] {
  const texts = [authorization, query, body?.text ?? '', ...headers];
  const parts = texts.flatMap((text) => text.split(/[\s,;:="'&.<>{}\\]+/));
  return [...parts, ...parts.flatMap(decodedStrings)].filter((part) => part.length >= 16);
}

/** The strings in the JSON that a part of a JWT is made of. */
function decodedStrings(part: string): readonly string[] {
  const found: string[] = [];
  try {
    JSON.parse(Buffer.from(part, 'base64url').toString(), (_, value: unknown) => {
      if (typeof value === 'string') found.push(value);
      return value;
    });
  } catch {
    return [];
  }
  return found;
}

function expectNothingInjected(response: HostileResponse): void {
  expect(headerValues(response, 'x-injected')).toEqual([]);
  expect(headerValues(response, 'set-cookie')).toEqual([]);
}
