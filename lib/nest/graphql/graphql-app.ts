import type { AppAuthenticator } from '../exchange/app-authenticator.js';

/** An app that operations come to, and how it wants them protected. */
export interface GraphQLApp {
  /** Its modules: by them its authenticator is known. */
  readonly modules: object;
  readonly authenticator: AppAuthenticator;
  /** Whether every root field and every resolver is protected that is not public, or only those that demand something. */
  readonly protectsAll: boolean;
  /** Whether its operations are served by Apollo, which takes the status of its response from errors. */
  readonly isApollo: boolean;
}
