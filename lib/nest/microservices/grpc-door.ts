import { isPromise, type MaybePromise } from '../../common/maybe-promise.js';
import { log } from '../../common/log.js';
import { messageOf } from '../../common/message-of.js';
import { TOKEN_ALONE } from '../exchange/protect.js';
import { TOKEN_ENDED, type TokenEnd, type TokenEnded } from '../exchange/token-end.js';
import {
  GRPC,
  type GrpcInterceptor,
  type GrpcListener,
  type GrpcMetadata,
  type GrpcMethod,
  type GrpcStatus,
  type InterceptedCall,
} from './grpc-api.js';
import type { GrpcCall } from './grpc-call.js';
import { emptyLike, grpcExchangeOf } from './grpc-exchange.js';
import type { MessageApp } from './message-app.js';

/** The calls that are under way, by the metadata that they came with. */
const calls = new WeakMap<object, GrpcCall>();

/** The call that came with this metadata; `undefined` where no door of ours has seen it. */
export function grpcCallOf(metadata: object): GrpcCall | undefined {
  return calls.get(metadata);
}

/**
 * Makes the interceptor through which every call comes to a server of gRPC. It decides about the methods that are no
 * handlers of Nest (health, reflection), and sees to it that a refused call ends as refused, whatever filters made of it.
 * @param handled the paths of the methods that are handlers of Nest: of those their guards decide
 */
export function grpcDoor(app: MessageApp, handled: ReadonlySet<string>): GrpcInterceptor {
  return (method, call) => {
    // Nest reads a stream of messages before its guards have decided, and keeps them all.
    const isHeld = method.requestStream && handled.has(method.path);
    const guarded = new GuardedCall(app, method, call, {
      isLeft: leavesToOthers(app, handled, method.path),
      isHeld,
    });
    const own: Readonly<Record<string | symbol, unknown>> = {
      start: guarded.start,
      startRead: guarded.startRead,
      sendMessage: guarded.sendMessage,
      sendStatus: guarded.sendStatus,
    };
    return new Proxy(call, { get: (target, name) => own[name] ?? boundMember(target, name) });
  };
}

function leavesToOthers(app: MessageApp, handled: ReadonlySet<string>, path: string): boolean {
  if (!app.protectsAll || handled.has(path)) return true;
  const service = path.slice(0, path.lastIndexOf('/'));
  return app.settings.publicMethods.some((open) => open === path || open === service);
}

function boundMember(target: InterceptedCall, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name);
  return typeof member === 'function' ? (member.bind(target) as unknown) : member;
}

/** One call on its way through the door. */
class GuardedCall {
  private noted: GrpcCall | undefined;
  private listener: GrpcListener | undefined;
  private stopWaiting: (() => void) | undefined;
  /** Whether its token has ended while it was under way: nothing of it is sent any more. */
  private hasEnded = false;
  private isOver = false;
  /** Whether the guards of Nest decide about it. */
  private readonly isLeft: boolean;
  /** Whether its messages wait for that. */
  private isHeld: boolean;
  private isReadWanted = false;

  constructor(
    private readonly app: MessageApp,
    private readonly method: GrpcMethod,
    private readonly call: InterceptedCall,
    { isLeft, isHeld }: { readonly isLeft: boolean; readonly isHeld: boolean },
  ) {
    this.isLeft = isLeft;
    this.isHeld = isHeld;
  }

  readonly start = (listener: GrpcListener): void => {
    this.listener = listener;
    this.call.start({
      onReceiveMetadata: (metadata) => this.received(metadata),
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => this.cancelled(),
    });
  };

  readonly startRead = (): void => {
    if (this.isHeld) this.isReadWanted = true;
    else if (!this.hasEnded) this.call.startRead();
  };

  private readonly letIn = (): void => {
    if (!this.isHeld) return;
    this.isHeld = false;
    if (this.isReadWanted) this.startRead();
  };

  readonly sendMessage = (message: unknown, callback: () => void): void => {
    if (!this.hasEnded) this.call.sendMessage(message, callback);
  };

  readonly sendStatus = (status: GrpcStatus): void => {
    if (this.hasEnded) return;
    const { refusal, nextNonce } = this.noted ?? {};
    // Where a guard of the app's own let it pass nevertheless, it may end well.
    if (refusal !== undefined && status.code !== GRPC.ok) return this.call.sendStatus(refusal);
    this.call.sendStatus(nextNonce === undefined ? status : this.withNonce(status, nextNonce));
  };

  private withNonce(status: GrpcStatus, nonce: string): GrpcStatus {
    if (this.noted === undefined) return status;
    const metadata = status.metadata?.clone() ?? emptyLike(this.noted.metadata);
    metadata.set('dpop-nonce', nonce);
    return { ...status, metadata };
  }

  private received(metadata: GrpcMetadata): void {
    const call: GrpcCall = {
      kind: 'grpc',
      app: this.app,
      path: this.method.path,
      metadata,
      intercepted: this.call,
      endBy: this.endBy,
      letIn: this.letIn,
      exchange: undefined,
      refusal: undefined,
      nextNonce: undefined,
    };
    this.noted = call;
    calls.set(metadata, call);
    if (this.isLeft) return this.listener?.onReceiveMetadata(metadata);
    this.after(this.decide(call), metadata);
  }

  private decide(call: GrpcCall): MaybePromise<unknown> {
    try {
      return this.app.authenticator.of(TOKEN_ALONE).require(grpcExchangeOf(call), TOKEN_ALONE);
    } catch (error) {
      return this.refuse(error);
    }
  }

  private after(decided: MaybePromise<unknown>, metadata: GrpcMetadata): void {
    if (isPromise(decided)) {
      decided.then(
        (outcome) => this.goOn(outcome, metadata),
        (error: unknown) => this.refuse(error),
      );
    } else this.goOn(decided, metadata);
  }

  private goOn(outcome: unknown, metadata: GrpcMetadata): void {
    if (outcome !== REFUSED) this.listener?.onReceiveMetadata(metadata);
  }

  private refuse(error: unknown): typeof REFUSED {
    const refusal = this.noted?.refusal;
    // What is no refusal is a fault of ours, or of the app's functions: the log is told, and nobody else.
    if (refusal === undefined) log.error(`gRPC ${this.method.path}: ${messageOf(error)}`);
    this.call.sendStatus(refusal ?? { code: GRPC.internal, details: 'Internal error', metadata: null });
    return REFUSED;
  }

  /** A call with one request and one response has nothing that could outlive its token. */
  private readonly endBy = (end: TokenEnd): void => {
    if (this.isOver || (!this.method.requestStream && !this.method.responseStream)) return;
    this.stopWaiting = end.whenOver((ended) => this.endAs(ended));
  };

  private endAs(ended: TokenEnded): void {
    this.hasEnded = true;
    this.call.sendStatus({ code: GRPC.unauthenticated, details: TOKEN_ENDED[ended], metadata: null });
    // Its handler learns of it at once, whether or not the client reads to the end.
    this.cancelled();
  }

  private cancelled(): void {
    this.isOver = true;
    this.stopWaiting?.();
    this.listener?.onCancel();
    this.listener = undefined;
  }
}

/** Stands for what is not to go on. */
const REFUSED = Symbol('refused');
