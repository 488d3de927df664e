import { type Client, createClient, type FormattedExecutionResult } from 'graphql-ws';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { type ClientOptions, WebSocket } from 'ws';
import { whenOver, type World } from '../../support/world.js';
import type { Answer, Bank } from './bank.js';

/** Who connects. */
export interface Subscriber {
  readonly certificate?: TestCertificate;
  readonly token?: string;
  readonly connectionParams?: Record<string, unknown>;
  readonly path?: string;
}

/** Connects to an API by graphql-ws over TLS, with this certificate or none, and this token or none; it ends with the test. */
export function connectTo({ endpoint }: Bank, { ca }: World, subscriber: Subscriber = {}): Client {
  const { certificate, token, connectionParams, path = '' } = subscriber;
  const options: ClientOptions = {
    ca: ca.cert,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert }),
  };
  class TlsWebSocket extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols, options);
    }
  }
  const client = createClient({
    url: `wss://${endpoint}${path}`,
    webSocketImpl: TlsWebSocket,
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: () => undefined,
    ...(connectionParams === undefined ? {} : { connectionParams }),
  });
  whenOver(async () => client.dispose());
  return client;
}

/** What a subscription, or another operation, has been answered until now. */
export interface Subscribed {
  readonly results: FormattedExecutionResult[];
  /** The errors of its results, and what has ended it. */
  readonly codes: unknown[];
  isOver: boolean;
  readonly stop: () => void;
}

type Errors = Answer['errors'];

/** Sends an operation over a connection. */
export function subscribeTo(client: Client, query: string): Subscribed {
  const results: FormattedExecutionResult[] = [];
  const codes: unknown[] = [];
  const note = (errors: Errors | undefined): void => {
    codes.push(...(errors ?? []).map(({ extensions, message }) => extensions?.['code'] ?? message));
  };
  const subscribed: Subscribed = {
    results,
    codes,
    isOver: false,
    stop: client.subscribe(
      { query },
      {
        next: (result) => {
          results.push(result as FormattedExecutionResult);
          note(result.errors);
        },
        error: (error) => {
          if (Array.isArray(error)) note(error as Errors);
          else codes.push(error);
          subscribed.isOver = true;
        },
        complete: () => {
          subscribed.isOver = true;
        },
      },
    ),
  };
  return subscribed;
}
