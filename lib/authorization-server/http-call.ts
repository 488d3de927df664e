import type { CallPurpose } from '../events/authorization-server-call.js';

/** What is sent beside the URL. */
export interface HttpCall {
  readonly purpose: CallPurpose;
  readonly method: 'GET' | 'POST';
  /** By name in lower case. Those of every call may be replaced. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether no caller waits for it: then it does not wait for a connection behind those of callers. */
  readonly isProbe?: true;
}

/** An answer of the authorization server, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Media type in lower case, without parameters; empty where there is none. */
  readonly contentType: string;
  /** Decoded. Empty as well where it cannot be, and the status is not 200. */
  readonly body: string;
  /** Seconds for which the server lets the answer be used again; `undefined` where it says nothing of that. */
  readonly lifetime: number | undefined;
}
