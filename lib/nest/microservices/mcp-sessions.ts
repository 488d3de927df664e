import type { MaybePromise } from '../../common/maybe-promise.js';
import type { HttpRequest } from '../../request/http-request.js';
import type { RequestAuthenticator } from '../exchange/request-authenticator.js';
import { authInfoIn, authInfoOf, type McpAuthInfo } from '../mcp/auth-info.js';

/** What answers the messages of one method of MCP. */
export type McpHandler = (...args: readonly unknown[]) => MaybePromise<object>;

/** By method. */
type McpHandlers = Map<unknown, McpHandler>;

/**
 * The handlers of a server that several requests share, as those of a session do. mcp-nest sets them anew for each request, and a
 * message runs by those that were set last: it would be decided by another request that came between. Here it runs by those that
 * were set for its own.
 */
export class SessionHandlers {
  private readonly byAuthInfo = new WeakMap<object, McpHandlers>();
  /** Where one request has come, or none that is known: `undefined` as soon as there are several. */
  private only: McpHandlers | undefined;
  private requests = 0;

  /** Of a request that has come. @param authInfo that the SDK will hand to its handlers; `undefined` for none of HTTP */
  handlersFor(authInfo: object | undefined): McpHandlers {
    const handlers: McpHandlers = new Map();
    this.requests += 1;
    this.only = this.requests === 1 ? handlers : undefined;
    if (authInfo !== undefined) this.byAuthInfo.set(authInfo, handlers);
    return handlers;
  }

  /** Answers a message of this method. @throws Error where its request cannot be told from others */
  answering(method: unknown): McpHandler {
    return (...args) => {
      const authInfo = authInfoIn(args[1]);
      const own =
        typeof authInfo === 'object' && authInfo !== null ? this.byAuthInfo.get(authInfo) : undefined;
      const handlers = own ?? this.only;
      const handler = handlers?.get(method);
      if (handler === undefined) throw new Error('Unauthorized');
      return handler(...args);
    };
  }
}

/** Node's own request, as the SDK takes it. */
type WithAuth = HttpRequest & { auth?: object; user?: unknown };

/**
 * Puts `auth` on a request, an object of its own by which its messages are known. It says what has been decided about the request,
 * as the SDK would have it; what an app has put there stays. And `user`, which mcp-nest reads there: Fastify has it elsewhere.
 */
export function markRequest(request: HttpRequest, authenticator: RequestAuthenticator): object {
  const marked: WithAuth = request;
  const auth: McpAuthInfo = { token: '', clientId: '', scopes: [], expiresAt: 0, extra: {}, ...marked.auth };
  void fill(marked.auth === undefined ? auth : {}, marked, authenticator);
  marked.auth = auth;
  return auth;
}

async function fill(auth: object, request: WithAuth, authenticator: RequestAuthenticator): Promise<void> {
  const decision = await authenticator.decisionAbout(request);
  if (decision?.outcome !== 'accepted') return;
  Object.assign(auth, authInfoOf(decision));
  request.user ??= decision.user;
}
