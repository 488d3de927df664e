import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  UseFilters,
} from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { MaybePromise } from '../../common/maybe-promise.js';
import { handshakeOfClient } from '../websockets/client-exchange.js';
import { gatewaysOf } from '../websockets/gateways.js';
import { MessageRefusedException } from '../websockets/message-refused.exception.js';
import { tellClient } from '../websockets/tell-client.js';
import { decideHeld, holdClass, putOnce } from './held-handlers.js';

/** Protects the message handlers of gateways, as the app that a client is connected to wants it. */
@Injectable()
class GatewayGuard implements CanActivate {
  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    if (context.getType() !== 'ws') return true;
    return decideHeld(context, handshakeOfClient(context.getArgByIndex(0))?.app);
  }
}

/** Tells a client why its message is refused: Nest would tell it of an internal error, or of nothing. */
@Catch(MessageRefusedException)
class RefusalFilter implements ExceptionFilter<MessageRefusedException> {
  catch({ told, isOfToken }: MessageRefusedException, host: ArgumentsHost): void {
    const client = host.getArgByIndex<object>(0);
    tellClient(client, told);
    // Of a connection that was let in by it, no other message would be accepted.
    if (isOfToken) handshakeOfClient(client)?.end?.();
  }
}

const GUARD = new GatewayGuard();
const FILTER = new RefusalFilter();

/** Where `@UseFilters()` keeps what it was given. */
const FILTERS_METADATA = '__exceptionFilters__';

/** Puts the guard on every gateway of an app, with what tells of its refusals. */
export function holdGateways(modules: ModulesContainer): void {
  for (const { type } of gatewaysOf(modules)) {
    holdClass(type, GUARD);
    putOnce(type, FILTER, { kept: FILTERS_METADATA, put: UseFilters(FILTER) });
  }
}
