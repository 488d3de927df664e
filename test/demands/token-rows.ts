import { type TestCertificate, TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { type Api, APIS, LEGACY_AUDIENCE, PARTNERS_AUDIENCE, type ThreeApis } from '../support/policies.js';
import { AUDIENCE, type World } from '../support/world.js';
import type { Sent } from './oracle.js';

/** When the tables are made, in seconds since the epoch. */
export const NOW = Math.floor(Date.now() / 1000);

/** One row: what is sent. */
export interface TokenRow {
  /** What is behind “who sends”. */
  readonly says: string;
  readonly sent: Partial<Omit<Sent, 'issuedFor' | 'claims'>>;
  /** For whom the token is, seen from the policy of the handler. @default the policy itself */
  readonly issuedFor?: (policy: Api) => readonly Api[];
  /** What differs from {@link RICH}; `undefined` removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Meets all that can be met. */
const RICH: Readonly<Record<string, unknown>> = {
  department: 'audit',
  realm_access: { roles: ['reader', 'clerk'] },
  'https://c.example.com/roles': ['admin'],
  groups: 'alpha beta',
  level: 2,
  vip: true,
  acr: 'sca',
  auth_time: NOW - 10,
  authorization_details: [
    { type: 'payment', actions: ['pay', 'cancel', 'read'] },
    { type: 'transfer', limit: 100 },
  ],
};

const NOTHING = Object.fromEntries(Object.keys(RICH).map((name) => [name, undefined]));

const withDetails = (
  ...entries: readonly object[]
): { readonly claims: Readonly<Record<string, unknown>> } => ({
  claims: { authorization_details: entries },
});
const next = (policy: Api, steps: number): Api =>
  APIS[(APIS.indexOf(policy) + steps) % APIS.length] ?? policy;

export const TOKENS: readonly TokenRow[] = [
  { says: 'no token', sent: { scheme: 'nothing' } },
  { says: 'no token and no certificate', sent: { scheme: 'nothing', certificate: 'none' } },
  { says: 'a token that has everything', sent: {} },
  { says: 'a token that has nothing but its binding', sent: { scope: [] }, claims: NOTHING },
  { says: 'the scope read alone', sent: { scope: ['read'] } },
  { says: 'the scope write alone', sent: { scope: ['write'] } },
  { says: 'scopes in capitals', sent: { scope: ['READ', 'WRITE'] } },
  { says: 'another department', sent: {}, claims: { department: 'sales' } },
  { says: 'a department that begins alike', sent: {}, claims: { department: 'auditors' } },
  { says: 'a list of departments', sent: {}, claims: { department: ['sales', 'audit'] } },
  { says: 'roles of another kind', sent: {}, claims: { realm_access: { roles: ['reader'] } } },
  { says: 'roles at no path', sent: {}, claims: { realm_access: 'clerk' } },
  { says: 'no roles', sent: {}, claims: { 'https://c.example.com/roles': undefined } },
  { says: 'other groups', sent: {}, claims: { groups: 'alpha betas' } },
  { says: 'the level as text', sent: {}, claims: { level: '2' } },
  { says: 'a claim that says no', sent: {}, claims: { vip: false } },
  { says: 'another acr', sent: {}, claims: { acr: 'pwd' } },
  { says: 'acr as a list', sent: {}, claims: { acr: ['sca'] } },
  { says: 'no acr and the scope read alone', sent: { scope: ['read'] }, claims: { acr: undefined } },
  { says: 'an old login', sent: {}, claims: { auth_time: NOW - 1000 } },
  { says: 'no time of a login', sent: {}, claims: { auth_time: undefined } },
  { says: 'the time of a login as text', sent: {}, claims: { auth_time: String(NOW - 10) } },
  { says: 'a login of tomorrow', sent: {}, claims: { auth_time: NOW + 86_400 } },
  { says: 'a token of another user', sent: { subject: 'user-2' } },
  {
    says: "the client's own token",
    sent: { subject: 'client-1' },
    claims: { acr: undefined, auth_time: undefined },
  },
  { says: 'no details', sent: {}, claims: { authorization_details: undefined } },
  {
    says: 'details of too little',
    sent: {},
    ...withDetails({ type: 'payment', actions: ['read'] }, { type: 'transfer', limit: 49 }),
  },
  {
    says: 'details with an unknown field',
    sent: {},
    ...withDetails({ type: 'payment', actions: ['pay', 'cancel'], limit: 5 }),
  },
  {
    says: 'details of another type',
    sent: {},
    ...withDetails({ type: 'payments', actions: ['pay', 'cancel'] }),
  },
  {
    says: 'details split over two entries',
    sent: {},
    ...withDetails({ type: 'payment', actions: ['pay'] }, { type: 'payment', actions: ['cancel'] }),
  },
  {
    says: 'details for another place',
    sent: {},
    ...withDetails({
      type: 'payment',
      actions: ['pay', 'cancel'],
      locations: ['https://elsewhere.example.com'],
    }),
  },
  {
    says: "details for the module's own place",
    sent: {},
    ...withDetails({ type: 'payment', actions: ['pay', 'cancel'], locations: [AUDIENCE] }),
  },
  { says: 'the token of another certificate', sent: { certificate: 'of another one' } },
  { says: 'a bound token without its certificate', sent: { certificate: 'none' } },
  { says: 'an unbound token', sent: { boundTo: [] } },
  { says: 'an unbound token without a certificate', sent: { boundTo: [], certificate: 'none' } },
  { says: 'an unbound token that has nothing', sent: { boundTo: [], scope: [] }, claims: NOTHING },
  { says: 'a token with its proof of DPoP', sent: { boundTo: ['dpop'], scheme: 'DPoP', proof: 'right' } },
  {
    says: 'a token that has nothing, with its proof of DPoP',
    sent: { boundTo: ['dpop'], scheme: 'DPoP', proof: 'right', scope: [] },
    claims: NOTHING,
  },
  { says: 'a token of DPoP without a proof', sent: { boundTo: ['dpop'], scheme: 'DPoP', proof: 'none' } },
  { says: 'a token of DPoP as a bearer token', sent: { boundTo: ['dpop'], scheme: 'Bearer', proof: 'none' } },
  {
    says: 'a token of DPoP with the proof of a thief',
    sent: { boundTo: ['dpop'], scheme: 'DPoP', proof: 'by another key' },
  },
  {
    says: 'a token that is bound to both keys',
    sent: { boundTo: ['certificate', 'dpop'], scheme: 'DPoP', proof: 'right' },
  },
  {
    says: 'a token that is bound to both keys, without its certificate',
    sent: { boundTo: ['certificate', 'dpop'], scheme: 'DPoP', proof: 'right', certificate: 'none' },
  },
  { says: 'an expired token', sent: { isExpired: true } },
  { says: 'a token that was changed', sent: { isForged: true } },
  { says: 'the token of the next policy', sent: {}, issuedFor: (policy) => [next(policy, 1)] },
  { says: 'the token of the policy before', sent: {}, issuedFor: (policy) => [next(policy, 2)] },
  {
    says: 'an unbound token of the next policy',
    sent: { boundTo: [] },
    issuedFor: (policy) => [next(policy, 1)],
  },
  {
    says: 'a token that is for the module itself and for legacy',
    sent: {},
    issuedFor: () => ['own', 'legacy'],
  },
];

/** What this row sends to a handler of this policy. */
export function sentOf({ sent, issuedFor, claims }: TokenRow, policy: Api): Sent {
  return {
    scheme: 'Bearer',
    proof: 'none',
    certificate: 'of the owner',
    boundTo: ['certificate'],
    issuedFor: issuedFor?.(policy) ?? [policy],
    isExpired: false,
    isForged: false,
    subject: 'user-1',
    clientId: 'client-1',
    scope: ['read', 'write'],
    claims: withoutUndefined({ ...RICH, ...claims }),
    ...sent,
  };
}

function withoutUndefined(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** Where a request goes, as its proof says. */
export interface Target {
  readonly method: string;
  readonly path: string;
}

/** What a client sends with a request, made from a row. */
export interface Caller {
  readonly certificate: TestCertificate | undefined;
  /** `Authorization` and `DPoP`, with a new proof each time. */
  readonly headersFor: (target: Target) => Promise<Readonly<Record<string, string>>>;
}

/** The clients of the tables. */
export interface Clients {
  readonly dpop: TestDpopClient;
  readonly thief: TestDpopClient;
}

export async function createClients(): Promise<Clients> {
  return { dpop: await TestDpopClient.create(), thief: await TestDpopClient.create() };
}

export const PUBLIC_URL = AUDIENCE;

/** Has the authorization server make the token of a row, which is used for all requests of it. */
export async function callerOf(sent: Sent, world: World, apis: ThreeApis, clients: Clients): Promise<Caller> {
  const token = sent.scheme === 'nothing' ? undefined : await tokenOf(sent, world, apis, clients);
  const certificates = { none: undefined, 'of the owner': world.client1, 'of another one': world.client2 };
  return {
    certificate: certificates[sent.certificate],
    headersFor: async (target) => headersOf(sent, token, target, clients),
  };
}

const AUDIENCES: Readonly<Record<Api, string>> = {
  own: AUDIENCE,
  partners: PARTNERS_AUDIENCE,
  legacy: LEGACY_AUDIENCE,
};

async function tokenOf(
  sent: Sent,
  world: World,
  { as, partnersAs }: ThreeApis,
  { dpop }: Clients,
): Promise<string> {
  const server = sent.issuedFor.includes('partners') ? partnersAs : as;
  const token = await server.accessToken({
    audience: sent.issuedFor.map((api) => AUDIENCES[api]),
    ...(sent.boundTo.includes('certificate') ? { certificate: world.client1 } : {}),
    ...(sent.boundTo.includes('dpop') ? { dpop } : {}),
    subject: sent.subject,
    clientId: sent.clientId,
    scope: sent.scope.join(' '),
    lifetime: sent.isExpired ? -60 : 3600,
    claims: sent.claims,
  });
  return sent.isForged ? changed(token) : token;
}

/** The same token with one more claim, under the same signature. */
function changed(token: string): string {
  const [header, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const more = Buffer.from(JSON.stringify({ ...claims, admin: true })).toString('base64url');
  return `${header}.${more}.${signature}`;
}

async function headersOf(
  { scheme, proof }: Sent,
  token: string | undefined,
  { method, path }: Target,
  { dpop, thief }: Clients,
): Promise<Readonly<Record<string, string>>> {
  if (token === undefined) return {};
  const authorization = `${scheme} ${token}`;
  if (proof === 'none') return { authorization };
  const client = proof === 'right' ? dpop : thief;
  return { authorization, dpop: await client.proof({ token, method, url: `${PUBLIC_URL}${path}` }) };
}
