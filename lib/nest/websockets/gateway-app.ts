import type { ModulesContainer } from '@nestjs/core';
import type { OriginCheck } from '../http/check-origin.js';
import type { HttpRequest } from '../../request/http-request.js';
import type { AppAuthenticator } from '../exchange/app-authenticator.js';
import type { Tickets } from './tickets.js';

/** An app that clients connect to, and how it wants its gateways protected. */
export interface GatewayApp {
  /** Its modules: what it has in common with all of its servers, and with no other app. */
  readonly modules: ModulesContainer;
  readonly authenticator: AppAuthenticator;
  /** Whether all is protected that is not public, or only that of which something is demanded. */
  readonly protectsAll: boolean;
  /** Whether the app has left open what a handshake is for, where no gateway is. */
  readonly isPublic: (request: HttpRequest) => boolean;
  /** Whether the page that a request comes from may call at all. */
  readonly mayCall: OriginCheck;
  /** `undefined` where no ticket is accepted. */
  readonly tickets: Tickets | undefined;
  /** The server of HTTP that it shares with its gateways; `undefined` where it has none. */
  readonly httpServer: () => object | undefined;
}
