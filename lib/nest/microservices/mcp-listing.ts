import { unmetAtOnce } from '../../authorization/authorize.js';
import { log } from '../../common/log.js';
import { type MaybePromise } from '../../common/maybe-promise.js';
import type { Decision } from '../../decision.js';
import { type HttpRequest, rawRequestOf } from '../../request/http-request.js';
import type { NamedPolicy, RoutePolicy } from '../demands/route-policy.js';
import { policiesOfPattern } from './message-handlers.js';
import type { MessageApp } from './message-app.js';
import { type McpHandler, markRequest, SessionHandlers } from './mcp-sessions.js';
import { TransportExchange } from './transport-exchange.js';

interface McpServer {
  readonly server: { setRequestHandler: SetHandler };
}

type SetHandler = (method: unknown, handler: McpHandler) => unknown;

/** What is used of `McpTransportContext` of `@rekog/mcp-nest`: what any transport of an app's own may use as well. */
interface TransportContext {
  createServer(): McpServer;
  bindRequestHandlers(server: McpServer, session: unknown, rawRequest?: unknown): void;
  createBoundServer(session: unknown, rawRequest?: unknown): McpServer;
}

interface McpTransport {
  start(context: TransportContext): unknown;
}

/** What is used of `McpStrategy`. */
interface McpStrategy {
  unwrap(): { readonly transports: readonly McpTransport[] };
}

/** Of a method of MCP that lists: where its answer has the list, and what makes one entry's pattern. */
interface Listing {
  readonly member: string;
  readonly kind: string;
  readonly name: string;
}

const LISTINGS: ReadonlyMap<unknown, Listing> = new Map([
  ['tools/list', { member: 'tools', kind: 'tool', name: 'name' }],
  ['resources/list', { member: 'resources', kind: 'resource', name: 'uri' }],
  [
    'resources/templates/list',
    { member: 'resourceTemplates', kind: 'resource-template', name: 'uriTemplate' },
  ],
  ['prompts/list', { member: 'prompts', kind: 'prompt', name: 'name' }],
]);

/**
 * Sees to it that a server of mcp-nest lists only what the token of the request may call. Where a version of mcp-nest has
 * another shape, it lists all, and says so in the log: what may not be called is refused either way.
 */
export function filterListings(strategy: object, app: MessageApp): void {
  if (!isMcp(strategy)) return;
  const transports = hasTransports(strategy) ? strategy.unwrap().transports : undefined;
  if (!Array.isArray(transports)) return warnOfListings();
  for (const transport of transports as readonly McpTransport[]) {
    const start = transport.start.bind(transport);
    transport.start = (context) => start(isContext(context) ? filtering(context, app) : unfiltered(context));
  }
}

/** By the name of its class: a bundle that has renamed it lists all. */
function isMcp(strategy: object): boolean {
  for (let each: object | null = strategy; each; each = Object.getPrototypeOf(each) as object | null)
    if (each.constructor.name === 'McpStrategy') return true;
  return hasTransports(strategy) && 'setHttpAdapter' in strategy;
}

function hasTransports(strategy: object): strategy is McpStrategy {
  return typeof (strategy as Partial<McpStrategy>).unwrap === 'function';
}

function isContext(context: Partial<TransportContext>): boolean {
  return [context.createServer, context.bindRequestHandlers, context.createBoundServer].every(
    (each) => typeof each === 'function',
  );
}

function unfiltered(context: TransportContext): TransportContext {
  warnOfListings();
  return context;
}

function warnOfListings(): void {
  log.warn(
    'this version of @rekog/mcp-nest is not known: it lists all tools, resources and prompts to every caller whom it answers, ' +
      'also those that the caller may not use, though to use them is refused; and in a session, with statefulMode, a message ' +
      'may be decided about by another request of the session: do without that',
  );
}

/** By the server of a session, or of one request. */
const sessions = new WeakMap<object, SessionHandlers>();

function filtering(context: TransportContext, app: MessageApp): TransportContext {
  const bindRequestHandlers: TransportContext['bindRequestHandlers'] = (server, state, rawRequest) => {
    const { server: inner } = server;
    const session = sessions.get(inner) ?? new SessionHandlers();
    sessions.set(inner, session);
    const request = rawRequest as HttpRequest | undefined;
    const own = session.handlersFor(request && markRequest(request, app.authenticator.atRouteOf(request)));
    const setRequestHandler = inner.setRequestHandler;
    inner.setRequestHandler = (method, handler) => {
      own.set(method, filteredHandler(LISTINGS.get(method), handler, app, rawRequest));
      return setRequestHandler.call(inner, method, session.answering(method));
    };
    try {
      context.bindRequestHandlers(server, state, rawRequest);
    } finally {
      inner.setRequestHandler = setRequestHandler;
    }
  };
  return {
    ...context,
    bindRequestHandlers,
    createBoundServer: (session, rawRequest) => {
      const server = context.createServer();
      bindRequestHandlers(server, session, rawRequest);
      return server;
    },
  };
}

function filteredHandler(
  listing: Listing | undefined,
  handler: McpHandler,
  app: MessageApp,
  rawRequest: unknown,
): McpHandler {
  if (listing === undefined) return handler;
  return async (...args) => {
    const answer = await handler(...args);
    const listed: unknown = (answer as Readonly<Record<string, unknown>>)[listing.member];
    if (!Array.isArray(listed)) return answer;
    const shown: unknown[] = [];
    for (const entry of listed as readonly Entry[]) {
      // eslint-disable-next-line no-await-in-loop -- each policy decides once, and then at once
      if (await mayUse(entry, listing, app, rawRequest as HttpRequest | undefined)) shown.push(entry);
    }
    return { ...answer, [listing.member]: shown };
  };
}

type Entry = Readonly<Record<string, unknown>>;

async function mayUse(
  entry: Entry,
  { kind, name }: Listing,
  app: MessageApp,
  request: HttpRequest | undefined,
): Promise<boolean> {
  const policies = policiesOfPattern(app.modules, (pattern) => {
    const { mcp, name: named } = (pattern ?? {}) as { readonly mcp?: unknown; readonly name?: unknown };
    return mcp === kind && named === entry[name];
  });
  const met = policies.map(async (policy) => isMet(policy, app, await decisionAbout(request, app, policy)));
  return (await Promise.all(met)).every(Boolean);
}

/** What depends on the call itself is shown: nobody calls yet. */
function isMet(policy: RoutePolicy, app: MessageApp, decision: Decision | undefined): boolean {
  if (policy.kind === 'public') return true;
  if (!app.protectsAll && !policy.demanded && !policy.guarded) return true;
  return decision?.outcome === 'accepted' && unmetAtOnce(decision.proved, policy, 'route') === undefined;
}

/**
 * What was decided about the request: by the door, nearly always. Where the endpoint is open, it is asked only for a request
 * that has credentials: to list without any is no refusal.
 */
function decisionAbout(
  request: HttpRequest | undefined,
  app: MessageApp,
  policy: NamedPolicy,
): MaybePromise<Decision | undefined> {
  if (request === undefined) return undefined;
  const authenticator = app.authenticator.of(policy);
  const decided = authenticator.decisionAbout(request);
  if (decided !== undefined || rawRequestOf(request).headers.authorization === undefined) return decided;
  const context = { getRawRequest: () => request };
  const settings = { ...app.settings, findCredentials: undefined };
  const call = {
    kind: 'message',
    app: { ...app, settings },
    context,
    data: undefined,
    exchange: undefined,
    refusal: undefined,
    tokenEnd: undefined,
  } as const;
  return authenticator.decide(new TransportExchange(call, 'list of MCP'));
}
