/** What is there already, or will be. Where it is there, nobody waits: not even for the next microtask. */
export type MaybePromise<Value> = Value | Promise<Value>;

/**
 * Whether a value will be there later. By its `then` and not by its class: a package may have replaced the global
 * `Promise`, and what async functions return is then of another class; to take it for the value would let all pass.
 */
export function isPromise<Value>(value: MaybePromise<Value>): value is Promise<Value> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === 'function'
  );
}

/** Goes on with a value: at once where it is there. */
export function andThen<Value, Result>(
  value: MaybePromise<Value>,
  next: (value: Value) => MaybePromise<Result>,
): MaybePromise<Result> {
  return isPromise(value) ? value.then(next) : next(value);
}

/**
 * Goes on with a value and one or two things more, which are handed on as they are: where the value is there, no closure
 * is made, which would cost more than most steps of a request.
 */
export function andThenWith<Value, One, Result>(
  value: MaybePromise<Value>,
  next: (value: Value, one: One) => MaybePromise<Result>,
  one: One,
): MaybePromise<Result>;
export function andThenWith<Value, One, Other, Result>(
  value: MaybePromise<Value>,
  next: (value: Value, one: One, other: Other) => MaybePromise<Result>,
  one: One,
  other: Other,
): MaybePromise<Result>;
export function andThenWith<Value, One, Other, Result>(
  value: MaybePromise<Value>,
  next: (value: Value, one: One, other: Other) => MaybePromise<Result>,
  one: One,
  other?: Other,
): MaybePromise<Result> {
  // Whoever gives no other has a `next` that takes none.
  const last = other as Other;
  return isPromise(value) ? value.then((there) => next(there, one, last)) : next(value, one, last);
}

/** What a function returns; what it throws as a rejection, so that whoever waits for it learns of it in one way. */
export function orReject<Value>(make: () => MaybePromise<Value>): MaybePromise<Value> {
  try {
    return make();
  } catch (error) {
    return Promise.reject(error);
  }
}
