import { type buildConnector, Client, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici';
import type { AuthorizationServerHttpSettings } from './http-settings.js';
import { isLoopback } from './loopback.js';

const MAX_HEADER_BYTES = 16_384;

/**
 * What makes the calls to one origin, over one connection: by itself, or through the proxy of the options. This machine is
 * never called through a proxy, for it would be another one there.
 */
export function dispatcherFor(origin: string, settings: AuthorizationServerHttpSettings): Dispatcher {
  const { proxy } = settings;
  const options = { ...limitsOf(settings), connect: tlsOf(settings) };
  if (proxy === undefined || isLoopback(new URL(origin).hostname)) return new Client(origin, options);
  const throughProxy = {
    ...options,
    connections: 1,
    // The tunnel ends at the authorization server: the proxy sees neither token nor client certificate.
    requestTls: tlsOf(settings),
    proxyTls: { timeout: patienceOf(settings), ...STRICT },
    clientFactory: (url: URL, { connect }: { readonly connect?: buildConnector.connector }): Dispatcher =>
      new Client(url, {
        ...(connect === undefined ? {} : { connect }),
        headersTimeout: patienceOf(settings),
      }),
  };
  return proxy === 'environment'
    ? new EnvHttpProxyAgent(throughProxy)
    : new ProxyAgent({ ...throughProxy, uri: proxy.toString() });
}

function limitsOf({ maxResponseSize }: AuthorizationServerHttpSettings): Client.Options {
  return {
    // One limit for the whole call stands above both: undici's are for parts of it, and up to a second late.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize,
    // Explicit, so that --max-http-header-size has no say here.
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}

/** Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no say here. */
const STRICT = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const;

function tlsOf(settings: AuthorizationServerHttpSettings): buildConnector.BuildOptions {
  return { ...(settings.tls as object), timeout: patienceOf(settings), ...STRICT };
}

/** Milliseconds for a connection. Longer would keep it from the next caller when this one has gone. */
function patienceOf({ connectTimeout, timeout }: AuthorizationServerHttpSettings): number {
  // Stryker disable next-line MethodExpression: a whole call has its limit anyhow
  return Math.min(connectTimeout, timeout);
}
