import type { Acceptance } from '../../decision.js';

/** What is known of a caller, in the shape that the official SDK of MCP hands to tools (its `AuthInfo`). */
export interface McpAuthInfo {
  /** The token as it was sent; empty unless `exposeToken` is set. */
  token: string;
  /** Empty where the token does not name its client. */
  clientId: string;
  scopes: string[];
  /** `exp`, in seconds since the epoch. */
  expiresAt: number;
  /** `issuer`, and `subject` where the token has one. */
  extra: Record<string, unknown>;
}

/** What the SDK hands on of `auth` of a request, beside a message: the first SDK in one place, the second in another. */
export function authInfoIn(context: unknown): unknown {
  const { authInfo, http } = (context ?? {}) as {
    readonly authInfo?: unknown;
    readonly http?: { readonly authInfo?: unknown };
  };
  return http?.authInfo ?? authInfo;
}

/** By what has been proved, and not by what the app may have made of the token. */
export function authInfoOf({ proved }: Acceptance): McpAuthInfo {
  const { issuer, subject, clientId = '', expiresAt } = proved.described;
  const extra = subject === undefined ? { issuer } : { issuer, subject };
  return { token: proved.raw ?? '', clientId, scopes: [...proved.scopes], expiresAt, extra };
}
