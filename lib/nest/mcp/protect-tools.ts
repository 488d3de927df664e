import { unmetAtOnce } from '../../authorization/authorize.js';
import { invalidToken, type OAuthError } from '../../challenge/oauth-error.js';
import { isScope } from '../../authorization/demands.js';
import { BoundedLog } from '../../common/bounded-log.js';
import type { ProtectedRoute } from '../demands/route-policy.js';
import { TOKEN_ALONE } from '../exchange/protect.js';
import { authInfoIn } from './auth-info.js';
import { callerOf, type McpCaller } from './mcp-request.js';
import { McpExchange } from './mcp-exchange.js';

/** What is used of `McpServer` of the official SDK: none of the package is loaded from here. */
export interface ToolServer {
  registerTool(...args: never[]): unknown;
  readonly server: {
    assertCanSetRequestHandler(method: never): void;
    setRequestHandler(...args: never[]): unknown;
  };
}

/**
 * Says what the tools demand that are registered on its result: every one of these scopes; without any, a valid token that is
 * bound to its caller.
 */
export type ScopedTools<Server extends ToolServer> = (
  ...scopes: readonly string[]
) => Pick<Server, 'registerTool'>;

type ToolDemands = Map<string, ProtectedRoute>;
type RequestHandler = (request: ToolRequest, extra: unknown) => unknown;
type SetHandler = (method: unknown, handler: RequestHandler, ...rest: readonly unknown[]) => unknown;

interface ToolRequest {
  readonly params?: { readonly name?: string };
}

/**
 * Protects the tools of a server of the official SDK of MCP one by one: a tool runs, and `tools/list` shows it, only for a
 * token that has its scopes (RFC 6750 §3.1 `insufficient_scope`). A refused call is answered as MCP tells errors of tools
 * (`isError`), and reported as any other refusal. The caller is known by {@link mcpRequest} alone: messages that came another
 * way are refused, and so are tools that were registered past what is returned here.
 * @param server before any tool is registered on it
 * @returns what registers tools: say the scopes, then `registerTool()` as the SDK has it
 * @throws Error where tools are registered already; and `server.registerTool()` itself throws from now on
 * @example
 * ```ts
 * import { McpServer } from '@modelcontextprotocol/server';
 * import { protectTools } from 'nestjs-cert-bound-auth';
 *
 * const server = new McpServer({ name: 'bank', version: '1' });
 * const scoped = protectTools(server);
 * scoped('payments:write').registerTool('pay', { description: 'Pays' }, () => ({
 *   content: [{ type: 'text', text: 'paid' }],
 * }));
 * ```
 */
export function protectTools<Server extends ToolServer>(server: Server): ScopedTools<Server> {
  const demands: ToolDemands = new Map();
  const held = holdHandlers(server.server, demands);
  const registerTool = server.registerTool.bind(server) as (name: string, ...rest: unknown[]) => unknown;
  server.registerTool = () => {
    throw new Error(
      'say what the tool demands: scoped(…scopes).registerTool(…), with what protectTools() returned',
    );
  };
  return (...scopes) => {
    const demand = demandOf(scopes);
    const register = (name: string, ...rest: unknown[]): unknown => {
      const tool = registerTool(name, ...rest);
      if (held.size < HELD.length)
        throw new Error('protectTools() does not know this version of the SDK of MCP');
      demands.set(name, demand);
      return tool;
    };
    return { registerTool: register };
  };
}

/** @throws Error where a scope is none that a token could have (RFC 6749 §3.3) */
function demandOf(scopes: readonly string[]): ProtectedRoute {
  const wrong = scopes.find((scope) => !isScope(scope));
  if (wrong !== undefined) throw new Error(`not one scope: ${JSON.stringify(wrong)}`);
  return scopes.length > 0 ? { ...TOKEN_ALONE, rules: [{ kind: 'all', scopes }] } : TOKEN_ALONE;
}

/** The methods that are held. */
const HELD = ['tools/list', 'tools/call'] as const;

/** Puts itself before the handlers that the server will set. @returns the methods that have been held so far */
function holdHandlers(protocol: ToolServer['server'], demands: ToolDemands): ReadonlySet<unknown> {
  const held = new Set<unknown>();
  for (const method of HELD) protocol.assertCanSetRequestHandler(method as never);
  const setHandler = protocol.setRequestHandler.bind(protocol) as SetHandler;
  const holding: SetHandler = (schema, handler, ...rest) => {
    const method = methodOf(schema);
    if (method === 'tools/list') handler = listing(handler, demands);
    else if (method === 'tools/call') handler = calling(handler, demands);
    held.add(HELD.find((each) => each === method));
    held.delete(undefined);
    return setHandler(schema, handler, ...rest);
  };
  protocol.setRequestHandler = holding;
  return held;
}

/** The second SDK names a method, the first one gives the schema of its request. */
function methodOf(schema: unknown): unknown {
  if (typeof schema === 'string') return schema;
  const { shape } = schema as { readonly shape?: { readonly method?: { readonly value?: unknown } } };
  return shape?.method?.value;
}

function listing(handler: RequestHandler, demands: ToolDemands): RequestHandler {
  return async (request, extra) => {
    const answer = (await handler(request, extra)) as {
      readonly tools: readonly { readonly name: string }[];
    };
    const caller = callerOf(authInfoIn(extra));
    const tools = answer.tools.filter(({ name }) => {
      const demand = demands.get(name);
      return caller !== undefined && demand !== undefined && unmet(caller, demand) === undefined;
    });
    return { ...answer, tools };
  };
}

function calling(handler: RequestHandler, demands: ToolDemands): RequestHandler {
  return async (request, extra) => {
    const name = request.params?.name ?? '';
    const demand = demands.get(name);
    // Also of a tool that was registered past us.
    if (demand === undefined) return failed('Tool not found');
    const caller = callerOf(authInfoIn(extra));
    if (caller === undefined) return refusedUnknown(name);
    const error = unmet(caller, demand);
    return error === undefined ? handler(request, extra) : refused(caller, { error, demand, name });
  };
}

function unmet({ acceptance }: McpCaller, demand: ProtectedRoute): OAuthError | undefined {
  if (Date.now() >= acceptance.validUntil) {
    return invalidToken('token_expired', { detail: 'the token has expired since the request came' });
  }
  if (acceptance.proved.revocable?.isRevoked() === true) {
    return invalidToken('token_revoked', { detail: 'the token was revoked since the request came' });
  }
  return unmetAtOnce(acceptance.proved, demand, 'route');
}

interface RefusedCall {
  readonly error: OAuthError;
  readonly demand: ProtectedRoute;
  readonly name: string;
}

function refused(
  { authenticator, acceptance, request }: McpCaller,
  { error, demand, name }: RefusedCall,
): object {
  const exchange = new McpExchange(request, name);
  const { message } = authenticator.refuseRoute(acceptance, error, demand, exchange);
  const scopes = 'scope' in error.refusal ? ` (scope: ${error.refusal.scope.join(' ')})` : '';
  return failed(`${message}${scopes}`);
}

const refusals = new BoundedLog();

function refusedUnknown(name: string): object {
  const what = `refused reason=context_unsupported tool=${name}`;
  const remedy =
    'nothing is known of who calls: hand mcpRequest(request) to handleRequest(), on a protected route';
  refusals.write('error', what, `${what}: ${remedy}`);
  return failed('Unauthorized');
}

/** As MCP tells errors of tools. */
function failed(text: string): object {
  return { content: [{ type: 'text', text }], isError: true };
}
