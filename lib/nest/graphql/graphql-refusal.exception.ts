import { invalidToken, missingCredentials, type OAuthError } from '../../challenge/oauth-error.js';
import { TOKEN_ENDED, type TokenEnded } from '../exchange/token-end.js';
import { AccessRefusedException } from '../http/access-refused.exception.js';
import type { Told } from '../microservices/told.js';

/** What a client finds in `extensions` of an error. */
export interface RefusalExtensions {
  /** As Apollo names it. */
  readonly code: string;
  /** The error code of OAuth, where there is one. */
  readonly error?: string;
  /** The scopes that are needed. */
  readonly scopes?: readonly string[];
  /** What Apollo takes for its response, and tells nobody. */
  readonly http?: { readonly status: number };
}

/** How an operation is refused, on any server of GraphQL. */
export class GraphQLRefusedException extends AccessRefusedException {
  /** What mercurius answers with where there is nothing else to tell. */
  readonly statusCode: number;

  constructor(
    { status, error: name, message }: Pick<Told, 'status' | 'error' | 'message'>,
    error: OAuthError,
    /** `graphql` puts them into the error that the client gets, whatever server it is. */
    readonly extensions: RefusalExtensions,
  ) {
    // Without `statusCode`, by which the driver of Apollo would know a plain error of Nest, and replace the code.
    super({ status, body: { error: name, message } }, error);
    this.statusCode = status;
  }
}

/** The code of an error for a status of HTTP. */
export function codeOf(status: number): string {
  switch (status) {
    case 400:
      return 'BAD_REQUEST';
    case 401:
      return 'UNAUTHENTICATED';
    case 429:
      return 'TOO_MANY_REQUESTS';
    case 503:
      return 'SERVICE_UNAVAILABLE';
    default:
      return 'FORBIDDEN';
  }
}

/** For an operation of which nobody knows who has sent it. */
export function unknownSender(): GraphQLRefusedException {
  const message = 'An access token is required';
  const error = missingCredentials('credentials_missing', {
    detail: 'the request of the operation is not known',
  });
  return new GraphQLRefusedException({ status: 401, error: 'Unauthorized', message }, error, {
    code: codeOf(401),
  });
}

/** For what goes on for longer than its token. */
export function endedToken(ended: TokenEnded): GraphQLRefusedException {
  const message = TOKEN_ENDED[ended];
  const error = invalidToken(ended === 'expired' ? 'token_expired' : 'token_inactive', {
    detail: 'it ended while an operation was under way',
  });
  return new GraphQLRefusedException({ status: 401, error: 'invalid_token', message }, error, {
    code: codeOf(401),
    error: 'invalid_token',
  });
}
