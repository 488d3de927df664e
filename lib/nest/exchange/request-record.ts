import type { IncomingMessage } from 'node:http';
import type { Decision } from '../../decision.js';
import type { ProtectedRoute, RoutePolicy } from '../demands/route-policy.js';
import type { RedeemTicket } from '../../authenticate-request.js';
import type { MaybePromise } from '../../common/maybe-promise.js';
import type { ClientCertificateFinding } from '../../client-certificate/client-certificate.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';

/** What is known of a request, for all guards that it comes to. */
export interface RequestRecord {
  /** Node's own request. */
  readonly raw: IncomingMessage;
  /** The policy of the route that it is at: Passport does not tell a strategy which route it runs for. */
  policy: RoutePolicy | undefined;
  /** What its connection has shown: it is still there when the client has hung up in the meantime. */
  certificate: ClientCertificateFinding | undefined;
  /** Of a call whose certificate is known in another way: that, wherever certificates are looked for otherwise. */
  givenCertificate: ClientCertificateFinding | undefined;
  /** What has been decided last, with what had been before. */
  decided: DecidedRequest | undefined;
  /** Of a message: the record of the handshake that its connection was made with. */
  handshake: RequestRecord | undefined;
  /** Of a handshake that came with a ticket: what finds the credentials that it stands for. */
  ticket: RedeemTicket | undefined;
  /** Whether it has been let in without credentials, where a route allows that. */
  anonymous: boolean;
  /** Which app has found that an answer may leave, for good. */
  answerableBy: object | undefined;
  /** The app that it came to, where the request does not say so itself. */
  app: object | undefined;
}

/** What has been decided of a request, by one policy of one app. */
export interface DecidedRequest {
  readonly by: object;
  /** What checks its DPoP proofs; `undefined` where nothing does. */
  readonly proofsBy: object | undefined;
  readonly decision: MaybePromise<Decision>;
  /** What others had decided before. */
  before: DecidedRequest | undefined;
  /** Whether the user has been put on the request. */
  userGiven: boolean;
  /** The route whose rules have been met: another guard of the same route need not check them again. */
  passed: ProtectedRoute | undefined;
  /** The same of routes with checks of other claims, by the parameters of the call: a request may bring several. */
  passedCalls: Map<unknown, ProtectedRoute> | undefined;
  /** Whether listeners have been told: one event for each request, whatever guards it passes. */
  reported: boolean;
}

/** What this one has decided of a request. */
export function decidedBy({ decided }: RequestRecord, by: object): DecidedRequest | undefined {
  let each = decided;
  while (each !== undefined && each.by !== by) each = each.before;
  return each;
}

/** Forgets what this one has decided of a request. */
export function forgetDecision(record: RequestRecord, by: object): void {
  const { decided } = record;
  if (decided?.by === by) record.decided = decided.before;
  else
    for (let each = decided; each !== undefined; each = each.before)
      if (each.before?.by === by) each.before = each.before.before;
}

/** What another one has decided first that checks DPoP proofs by the same. */
export function decidedWithProofsBy(record: RequestRecord, proofsBy: object): DecidedRequest | undefined {
  let found: DecidedRequest | undefined;
  for (let each = record.decided; each !== undefined; each = each.before)
    if (each.proofsBy === proofsBy) found = each;
  return found;
}

const RECORD = Symbol('cert-bound-auth');

interface WithRecord {
  [RECORD]?: RequestRecord;
}

/**
 * The record of a request, whichever guard asks first. It hangs on the list of raw headers that Node makes for each
 * request: Express gives each request a prototype, after which every member that is added to it costs microseconds in
 * Node 20, and a WeakMap costs as much everywhere.
 */
export function recordOf(request: HttpRequest): RequestRecord {
  const raw = rawRequestOf(request);
  const holder = holderOf(raw);
  const known = holder[RECORD];
  // Another request that was given the same list is another request.
  if (known?.raw === raw) return known;
  const record = newRecord(raw);
  holder[RECORD] = record;
  return record;
}

/** Adapters of serverless platforms leave the list out, or give all requests the same empty one. */
function holderOf(raw: IncomingMessage): WithRecord {
  const { rawHeaders } = raw as Partial<IncomingMessage>;
  return (rawHeaders === undefined || rawHeaders.length === 0 ? raw : rawHeaders) as WithRecord;
}

/** Notes of a request that whatever answers it decides by itself: nothing of the app's own is asked. */
export function noteDecidedElsewhere(request: HttpRequest): void {
  recordOf(request).policy = { kind: 'public', by: 'method', policy: undefined };
}

/** Of a message on a connection that lives on: what is decided of it stands on what was decided of the handshake. */
export function recordOfMessage(handshake: RequestRecord): RequestRecord {
  const { raw, certificate, givenCertificate, app } = handshake;
  return { ...newRecord(raw), certificate, givenCertificate, handshake, app };
}

function newRecord(raw: IncomingMessage): RequestRecord {
  return {
    raw,
    policy: undefined,
    certificate: undefined,
    givenCertificate: undefined,
    decided: undefined,
    handshake: undefined,
    ticket: undefined,
    anonymous: false,
    answerableBy: undefined,
    app: undefined,
  };
}
