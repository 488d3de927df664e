import type { Dispatcher } from 'undici';
import { limitsOf, tlsOf } from './connection-options.js';
import { throughProxy } from './egress-proxy.js';
import type { AuthorizationServerHttpSettings } from './http-settings.js';
import { isThisMachine } from './loopback.js';
import { undici } from './undici.js';

/**
 * What makes the calls to one origin, over one connection: by itself, or through the proxy of the options. This machine is
 * never called through a proxy, for it would be another one there. It emits `connect` for each connection that is ready.
 */
export function dispatcherFor(origin: string, settings: AuthorizationServerHttpSettings): Dispatcher {
  const { proxy } = settings;
  return proxy === undefined || isThisMachine(new URL(origin).hostname)
    ? new (undici().Client)(origin, { ...limitsOf(settings), connect: tlsOf(settings) })
    : throughProxy(proxy, settings);
}
