import { catchError, isObservable, Observable, of, throwError } from 'rxjs';
import { type TokenEnd, toldOfEnd } from '../exchange/token-end.js';
import type { MessageCall } from './message-call.js';

/** The call that is answered, and how Nest called its handler. */
export interface Answered {
  readonly call: MessageCall | undefined;
  readonly args: readonly unknown[];
  readonly isEvent: boolean;
}

/**
 * What becomes of the answer of a handler: a refused sender is told so, whatever filters have made of it, and what goes on
 * for longer than its token ends with an error.
 */
export function answerOf(answer: unknown, { call, args, isEvent }: Answered): unknown {
  if (!isObservable(answer)) return answer;
  const told = answer.pipe(catchError((error: unknown) => refusalInstead(error, call?.refusal, isEvent)));
  const [stream] = args;
  if (args.length < 3 && isGrpcStream(stream)) return withErrorsOn(stream, told);
  if (call?.kind !== 'message' || call.tokenEnd === undefined) return told;
  return endingBy(call.tokenEnd, told);
}

function refusalInstead(error: unknown, refusal: object | undefined, isEvent: boolean): Observable<unknown> {
  if (refusal === undefined) return throwError(() => error);
  // An event has nobody who could be told; and Kafka would bring it again and again.
  return isEvent ? of(undefined) : throwError(() => refusal);
}

interface GrpcStream {
  emit(event: 'error', error: unknown): unknown;
  getPath(): string;
}

function isGrpcStream(value: unknown): value is GrpcStream {
  const { emit, getPath } = (value ?? {}) as Partial<GrpcStream>;
  return typeof emit === 'function' && typeof getPath === 'function';
}

/**
 * The handler writes to the stream itself, so Nest waits for no error: a rejection that nobody handles would end the process,
 * and anybody could cause one who may not call the handler.
 */
function withErrorsOn(stream: GrpcStream, answer: Observable<unknown>): Observable<unknown> {
  return answer.pipe(
    catchError((error: unknown) => {
      stream.emit('error', error);
      return of(undefined);
    }),
  );
}

function endingBy(end: TokenEnd, answer: Observable<unknown>): Observable<unknown> {
  return new Observable((subscriber) => {
    const takeBack = end.whenOver((ended) => subscriber.error(toldOfEnd(ended)));
    const subscription = answer.subscribe(subscriber);
    return () => {
      takeBack();
      subscription.unsubscribe();
    };
  });
}
