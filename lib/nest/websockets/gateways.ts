import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Handler, methodsOf } from '../demands/methods.js';

/** Where `@WebSocketGateway()` says that a class is a gateway. */
const GATEWAY_METADATA = 'websockets:is_gateway';
/** Where it leaves the port; 0 is the server of the app. */
const PORT_METADATA = 'port';
/** Where `@SubscribeMessage()` says that a method handles messages. */
const SUBSCRIBER_METADATA = 'websockets:message_mapping';

/** A gateway of an app. */
export interface Gateway {
  readonly type: Type;
  /** What Nest has made of it: later than the module is made. */
  readonly instance: () => object | undefined;
}

/** The gateways of an app: the providers that Nest connects to a server. */
export function gatewaysOf(modules: ModulesContainer): readonly Gateway[] {
  return [...modules.values()].flatMap(({ providers }) =>
    [...providers.values()].flatMap((wrapper) => {
      const { metatype } = wrapper;
      if (wrapper.isNotMetatype || typeof metatype !== 'function') return [];
      if (!Reflect.hasMetadata(GATEWAY_METADATA, metatype)) return [];
      return [{ type: metatype as Type, instance: () => wrapper.instance as object | undefined }];
    }),
  );
}

/** Whether an app has any. */
export function hasGateways(modules: ModulesContainer): boolean {
  return gatewaysOf(modules).length > 0;
}

/** Whether a gateway shares the server of its app, and has no port of its own. */
export function sharesServer(gateway: Type): boolean {
  return (Reflect.getMetadata(PORT_METADATA, gateway) ?? 0) === 0;
}

/** Whether a method handles messages of a gateway. */
export function isSubscriber(method: Handler): boolean {
  return Reflect.hasMetadata(SUBSCRIBER_METADATA, method);
}

/** The methods of a gateway that handle messages, as its nearest class has them. */
export function subscribersOf(gateway: Type): readonly Handler[] {
  return methodsOf(gateway).flatMap(({ levels: [own] }) =>
    own !== undefined && isSubscriber(own.value) ? [own.value] : [],
  );
}
