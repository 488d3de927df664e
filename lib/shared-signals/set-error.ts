/** What a transmitter is told (RFC 8935 §2.4, SSF 1.0 §8.1.4.1). */
export type SetErrorCode =
  | 'invalid_request'
  | 'invalid_key'
  | 'invalid_issuer'
  | 'invalid_audience'
  | 'authentication_failed'
  | 'access_denied'
  | 'invalid_state';

/** A security event token that is not accepted. Its description is told to whoever has sent it. */
export class SetError extends Error {
  override readonly name = 'SetError';

  constructor(
    readonly code: SetErrorCode,
    readonly description: string,
    cause?: unknown,
  ) {
    super(`${code}: ${description}`, { cause });
  }
}
