import type { Type } from '@nestjs/common';
import { type ConfigurationProblem, problem } from '../../options/configuration-error.js';
import type { GatewayApp } from './gateway-app.js';
import { gatewaysOf, sharesServer } from './gateways.js';
import { handshakePolicyOf, policiesOf } from './handshake-policy.js';
import { namespaceOf } from './io-api.js';
import { IoGateways } from './io-server.js';
import { doorOf, type EmittingServer } from './server-door.js';
import { type RawServer, WsGateways } from './ws-server.js';

/** What Nest calls on a gateway when it has a server, before anybody can connect to it. */
type AfterInit = (this: object, server: object) => unknown;

interface WithAfterInit {
  afterInit?: AfterInit;
}

/** Marks what this module has put in the place of `afterInit`. */
const TELLS = Symbol('tells of its server');

/** The apps that have a gateway: classes are shared by all apps of a process. */
const appsOf = new WeakMap<Type, Set<GatewayApp>>();

/** Notes from now on to which server each gateway of an app is connected, and puts a decision before it. */
export function watchGateways(app: GatewayApp): void {
  for (const { type } of gatewaysOf(app.modules)) {
    appsOf.set(type, (appsOf.get(type) ?? new Set()).add(app));
    watchClass(type);
  }
}

/** Forgets an app that has ended. */
export function forgetGateways(app: GatewayApp): void {
  for (const { type } of gatewaysOf(app.modules)) appsOf.get(type)?.delete(app);
}

/** Puts a decision before every upgrade that comes to the server of an app. */
export function holdUpgrades(app: GatewayApp): void {
  const server = app.httpServer();
  if (isEmitting(server)) doorOf(server, app);
}

function watchClass(type: Type): void {
  const prototype = type.prototype as WithAfterInit;
  if (tells(Object.getOwnPropertyDescriptor(prototype, 'afterInit')?.value)) return;
  const own = Object.getOwnPropertyDescriptor(prototype, 'afterInit')?.value as AfterInit | undefined;
  const base = Object.getPrototypeOf(prototype) as WithAfterInit;
  function afterInit(this: object, server: object): unknown {
    noteServer(this, type, server);
    // What is inherited is looked up when it is called: it may be watched as well.
    return (own ?? base.afterInit)?.call(this, server);
  }
  Object.defineProperty(prototype, 'afterInit', {
    value: Object.assign(afterInit, { [TELLS]: true }),
    configurable: true,
    writable: true,
  });
}

function tells(afterInit: unknown): boolean {
  return typeof afterInit === 'function' && TELLS in afterInit;
}

function noteServer(instance: object, type: Type, server: object): void {
  const apps = [...(appsOf.get(type) ?? [])];
  for (const app of apps) {
    const gateway = gatewaysOf(app.modules).find((each) => each.instance() === instance);
    if (gateway !== undefined) place(app, gateway.type, server);
  }
}

/** The servers of an app's gateways. */
const serversOf = new WeakMap<GatewayApp, Set<WsGateways | IoGateways>>();

function noteServerOf(app: GatewayApp, gateways: WsGateways | IoGateways): void {
  serversOf.set(app, (serversOf.get(app) ?? new Set()).add(gateways));
}

/** What stands before each server. */
const placed = new WeakMap<object, WsGateways | IoGateways>();

function place(app: GatewayApp, gateway: Type, server: object): void {
  const namespace = namespaceOf(server);
  if (namespace !== undefined) {
    const io = namespace.server;
    const gateways = (placed.get(io) as IoGateways | undefined) ?? new IoGateways(io, app);
    placed.set(io, gateways);
    noteServerOf(app, gateways);
    gateways.add(namespace, gateway);
    if (isEmitting(io.httpServer)) doorOf(io.httpServer, app).add(gateways);
  } else if (isRawServer(server)) {
    const gateways = (placed.get(server) as WsGateways | undefined) ?? new WsGateways(server, app);
    placed.set(server, gateways);
    noteServerOf(app, gateways);
    gateways.add(gateway);
    const shared = sharesServer(gateway) ? app.httpServer() : undefined;
    if (isEmitting(shared)) doorOf(shared, app).add(gateways);
  } else unknownServers.set(app, [...(unknownServers.get(app) ?? []), gateway]);
}

/** The gateways of an app that an adapter serves which this module does not know. */
const unknownServers = new WeakMap<GatewayApp, readonly Type[]>();

/** What is wrong with the gateways of an app: no decision stands before some that are not open. */
export function checkGateways(app: GatewayApp): readonly ConfigurationProblem[] {
  const closed = gatewaysOf(app.modules).filter(({ type }) => isClosed(type, app));
  const unknown = unknownServers.get(app) ?? [];
  const wrong = closed.flatMap(({ type, instance }) => {
    const made: WithAfterInit | undefined = instance();
    if (unknown.includes(type)) return [problem(type.name, type, UNKNOWN_ADAPTER)];
    return made === undefined || tells(made.afterInit) ? [] : [problem(type.name, type, NO_METHOD)];
  });
  return [...wrong, ...checkPolicies(app)];
}

/** A connection is decided about once, before it is known what will come over it. */
function checkPolicies(app: GatewayApp): readonly ConfigurationProblem[] {
  return [...(serversOf.get(app) ?? [])].flatMap(({ gateways }) => {
    const policies = policiesOf(gateways, app.protectsAll).map((policy) => policy ?? "the module's own");
    if (policies.length < 2) return [];
    const names = gateways.map(({ name }) => name).join(', ');
    return [
      problem(
        names,
        gateways,
        `one connection cannot be of several policies (${policies.join(', ')}): ${ONE_POLICY}`,
      ),
    ];
  });
}

const ONE_POLICY =
  "put @Policy() on the class of the gateway, for all its messages, and give the gateways of each policy a path of their own: @WebSocketGateway({ path: '/partners' })";

const UNKNOWN_ADAPTER =
  'its connections cannot be decided about: use the WebSocket adapters of @nestjs/platform-ws or ' +
  '@nestjs/platform-socket.io, or make it @Public() and protect it otherwise';
const NO_METHOD = 'its connections cannot be decided about: make its afterInit a method of the class';

function isClosed(type: Type, { protectsAll }: GatewayApp): boolean {
  const { demanded, messagesDemand } = handshakePolicyOf([type], protectsAll);
  return demanded !== undefined || messagesDemand;
}

function isRawServer(server: object): server is RawServer {
  const { handleUpgrade, options } = server as Partial<RawServer>;
  return typeof handleUpgrade === 'function' && typeof options === 'object';
}

function isEmitting(server: object | undefined): server is EmittingServer {
  const { emit }: Partial<EmittingServer> = server ?? {};
  return typeof emit === 'function';
}
