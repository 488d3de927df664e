import type {
  buildConnector,
  Client as UndiciClient,
  Dispatcher,
  ProxyAgent as UndiciProxyAgent,
} from 'undici';
import { limitsOf, MAX_HEADER_BYTES, patienceOf, STRICT_TLS, tlsOf } from './connection-options.js';
import type { AuthorizationServerHttpSettings } from './http-settings.js';
import { undici } from './undici.js';

/**
 * Makes calls through a tunnel of a proxy, over one connection. The tunnel ends at the authorization server: the proxy sees
 * neither token nor client certificate.
 * @param proxy its URL, or `environment`: then NO_PROXY may say that a server is called directly
 */
export function throughProxy(proxy: URL | string, settings: AuthorizationServerHttpSettings): Dispatcher {
  const { Client, EnvHttpProxyAgent, ProxyAgent } = undici();
  const options: Omit<UndiciProxyAgent.Options, 'uri'> = {
    ...limitsOf(settings),
    requestTls: tlsOf(settings),
    proxyTls: { timeout: patienceOf(settings), ...STRICT_TLS },
    clientFactory: (url, { connect }: OwnConnector) =>
      // Undici gives a proxy five minutes to make a tunnel.
      new Client(url, {
        ...(connect === undefined ? {} : { connect }),
        headersTimeout: patienceOf(settings),
        maxHeaderSize: MAX_HEADER_BYTES,
      }),
    factory: (url, given: UndiciClient.Options) =>
      new Client(url, { ...given, ...failingAtOnce(given) }).on('connect', (...ready) => {
        agent.emit('connect', ...ready);
      }),
  };
  const agent: Dispatcher =
    proxy === 'environment'
      ? new EnvHttpProxyAgent({ ...options, connect: tlsOf(settings) })
      : new ProxyAgent({ ...options, uri: proxy.toString() });
  return agent;
}

interface OwnConnector {
  readonly connect?: buildConnector.connector;
}

/** A proxy has hung up before there was a tunnel. */
class NoTunnelError extends Error {
  override readonly name = 'NoTunnelError';
}

/**
 * Undici connects again after such an error, and here it is each attempt's: without a pause and without an end, whether or
 * not anybody still waits.
 */
const RETRIED: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'UND_ERR_INFO']);

function failingAtOnce({ connect }: UndiciClient.Options): OwnConnector {
  if (typeof connect !== 'function') return {};
  return {
    connect: (where, done) =>
      connect(where, (...[cause, socket]) => {
        if (cause === null) done(cause, socket);
        else done(isRetried(cause) ? new NoTunnelError(cause.message, { cause }) : cause, null);
      }),
  };
}

function isRetried(cause: Error): boolean {
  return RETRIED.has((cause as { readonly code?: unknown }).code);
}
