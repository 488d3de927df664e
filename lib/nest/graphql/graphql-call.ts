import { joinedHeaders } from '../../request/joined-headers.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import { recordOf, recordOfMessage, type RequestRecord } from '../exchange/request-record.js';
import type { TokenEnd } from '../exchange/token-end.js';
import type { HttpResponse } from '../http/refuse.js';
import type { GraphQLApp } from './graphql-app.js';
import { type GivenRequest, type SentBy, sentByOfContext } from './sent-by.js';

/** An operation, or a batch of them, as it came to an app. */
export interface GraphQLCall {
  readonly app: GraphQLApp;
  /** Whether the server of GraphQL has said what it was sent by; else it was found in the context. */
  readonly isCertain: boolean;
  /** As the server of GraphQL has it. */
  readonly given: GivenRequest;
  /** Where credentials are looked for. */
  readonly request: HttpRequest & { user?: unknown };
  readonly record: RequestRecord;
  /** `undefined` for what came over a connection that lives on. */
  readonly response: HttpResponse | undefined;
  /** What it has been found to meet. */
  readonly passed: Set<ProtectedRoute>;
  /** Whether the caller has been told of a refusal in the headers, and the log and listeners have. */
  refusalTold: boolean;
  /** Of its token; `undefined` where what answers may go on. */
  tokenEnd: TokenEnd | undefined;
}

/** On a context: the call that it was made for. Servers copy contexts, and what is enumerable is copied. */
const CALL = Symbol('cert-bound-auth call');

interface WithCall {
  [CALL]?: GraphQLCall;
}

/** The call that a context was made for; `undefined` where none is known. */
export function callOfContext(context: unknown): GraphQLCall | undefined {
  return typeof context === 'object' && context !== null ? (context as WithCall)[CALL] : undefined;
}

/**
 * The same; where the app has not made the context by the function of the driver, what mercurius has left in it tells.
 * A context that several requests share has to be looked at each time.
 */
export function findCall(context: unknown, app: GraphQLApp): GraphQLCall | undefined {
  const known = callOfContext(context);
  if (known?.isCertain === true) return known;
  const sentBy = sentByOfContext(context);
  if (sentBy === undefined || sentBy.request === known?.given) return known;
  const call = { ...newCall(sentBy, app), isCertain: false };
  (context as WithCall)[CALL] = call;
  return call;
}

/** A context that is known to be of this call: the one that is given, or a copy where several calls share it. */
export function contextOfCall(made: unknown, call: GraphQLCall): unknown {
  if (made === undefined || made === null) return { [CALL]: call };
  if (typeof made !== 'object') return made;
  const earlier = Object.getOwnPropertyDescriptor(made, CALL)?.value as GraphQLCall | undefined;
  if (earlier === undefined && setCall(made, call)) return made;
  const copy: object = Object.create(
    Object.getPrototypeOf(made) as object | null,
    Object.getOwnPropertyDescriptors(made),
  ) as object;
  setCall(copy, call);
  // Drivers put the first request there, and no other.
  if (earlier !== undefined && Reflect.get(copy, 'req') === earlier.given)
    Reflect.set(copy, 'req', call.given);
  return copy;
}

function setCall(context: object, call: GraphQLCall): boolean {
  return Reflect.defineProperty(context, CALL, {
    value: call,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

export function newCall(sentBy: SentBy, app: GraphQLApp): GraphQLCall {
  const given = sentBy.request;
  const isMessage = sentBy.kind === 'handshake';
  return {
    app,
    isCertain: true,
    given,
    request: isMessage ? handshakeAsSent(given) : given,
    record: isMessage ? recordOfOperation(recordOf(given), app) : recordOf(given),
    response: isMessage ? undefined : sentBy.response,
    passed: new Set(),
    refusalTold: false,
    tokenEnd: undefined,
  };
}

/** Of one on a connection that lives on: what Node has of its handshake does not say to which app it came. */
function recordOfOperation(handshake: RequestRecord, { modules }: GraphQLApp): RequestRecord {
  return { ...recordOfMessage(handshake), app: modules };
}

/**
 * The handshake with the headers that were sent, and no others: mercurius adds to them what the client writes into
 * `connectionParams`.
 */
function handshakeAsSent(given: GivenRequest): HttpRequest & { user?: unknown } {
  const { method, url, rawHeaders, socket } = rawRequestOf(given);
  const request = {
    method,
    url,
    originalUrl: url,
    headers: joinedHeaders(rawHeaders),
    // A list of its own: what is known of a request hangs on its list.
    rawHeaders: [...rawHeaders],
    socket,
    get user(): unknown {
      return given.user;
    },
    set user(user: unknown) {
      given.user = user;
    },
  };
  return request as unknown as HttpRequest;
}
