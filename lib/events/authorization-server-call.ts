/** What an authorization server is called for. */
export type CallPurpose = 'metadata' | 'keys' | 'introspection' | 'status-list' | 'security-events';

/** One call to an authorization server, when it is over. */
export interface AuthorizationServerCall {
  readonly issuer: string;
  readonly purpose: CallPurpose;
  /** `answered`, whatever the status; `failed`: no whole answer came; `not-sent`: too many calls wait already, or recent ones failed. */
  readonly outcome: 'answered' | 'failed' | 'not-sent';
  /** The HTTP status, where there is an answer. */
  readonly status: number | undefined;
  /** Milliseconds. */
  readonly duration: number;
}
