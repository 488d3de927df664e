import type { Type } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { andThen, type MaybePromise } from '../../common/maybe-promise.js';
import { isPreflight } from '../../request/preflight.js';
import { onePolicyOf } from '../demands/route-policy.js';
import { TOKEN_ALONE } from '../exchange/protect.js';
import { decideHandshake, type HandshakeRefusal } from './decide-handshake.js';
import type { GatewayApp } from './gateway-app.js';
import { handshakeFor, handshakeOf } from './handshake-exchange.js';
import { type HandshakePolicy, policiesOf } from './handshake-policy.js';
import { holdRequest, holdUpgrade } from './hold.js';
import type { IoNamespace, IoServer } from './io-api.js';
import { NamespaceGateways } from './io-namespace.js';
import { sessionRefusal } from './io-session.js';
import type { GatewayServer } from './server-door.js';

/** The gateways that one server of socket.io serves, in all of its namespaces. */
export class IoGateways implements GatewayServer {
  private readonly namespaces = new Map<IoNamespace, NamespaceGateways>();

  constructor(
    private readonly server: IoServer,
    private readonly app: GatewayApp,
  ) {
    const { engine, opts } = server;
    const handleRequest = engine.handleRequest.bind(engine);
    const handleUpgrade = engine.handleUpgrade.bind(engine);
    engine.handleRequest = (request, response) =>
      holdRequest(this.decide(request), response, () => handleRequest(request, response));
    engine.handleUpgrade = (request, socket, head) =>
      holdUpgrade(this.decide(request), socket, () => handleUpgrade(request, socket, head));
    engine.on('headers', (headers, request) => {
      const nonce = handshakeOf(request)?.nonce;
      if (nonce !== undefined) Object.assign(headers, { 'DPoP-Nonce': nonce, 'Cache-Control': 'no-store' });
    });
    // A client that comes back is asked like any other.
    if (opts?.connectionStateRecovery !== undefined) opts.connectionStateRecovery.skipMiddlewares = false;
  }

  /** In all namespaces. */
  get gateways(): readonly Type[] {
    return [...this.namespaces.values()].flatMap(({ gateways }) => gateways);
  }

  get route(): string {
    return `${this.gateways.map(({ name }) => name).join(', ')} handshake`;
  }

  /** One connection carries all namespaces: it is open only where all of them are. */
  get policy(): HandshakePolicy {
    const policies = [...this.namespaces.values()].map(({ policy }) => policy);
    const [first] = policies;
    if (first !== undefined && policies.length === 1) return first;
    const isOpen = policies.every(({ demanded }) => demanded === undefined);
    const policy = onePolicyOf(policiesOf(this.gateways, this.app.protectsAll));
    return {
      demanded: isOpen ? undefined : { ...TOKEN_ALONE, policy },
      messagesDemand: policies.some(({ messagesDemand }) => messagesDemand),
      policy,
    };
  }

  add(namespace: IoNamespace, gateway: Type): void {
    const gateways = this.namespaces.get(namespace) ?? new NamespaceGateways(namespace, this.app);
    this.namespaces.set(namespace, gateways);
    gateways.add(gateway);
  }

  takesUpgrade({ url = '' }: IncomingMessage): boolean {
    // As engine.io compares them.
    const { addTrailingSlash } = this.server.engine.opts;
    return url.startsWith(addTrailingSlash === false ? this.server.path() : `${this.server.path()}/`);
  }

  /** Its polling, and the script that it serves to browsers. */
  takesRequest(request: IncomingMessage): boolean {
    return this.takesUpgrade(request) && !isPreflight(request);
  }

  private decide(request: IncomingMessage): MaybePromise<HandshakeRefusal | undefined> {
    // engine.io opens nothing by it.
    if (isPreflight(request)) return undefined;
    const handshake = handshakeFor(this.app, request, this.route);
    const { policy } = this;
    return andThen(
      decideHandshake(handshake, policy),
      (refusal) =>
        refusal ?? sessionRefusal(handshake, request, this.server.engine, this.app.authenticator.of(policy)),
    );
  }
}
