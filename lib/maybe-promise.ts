/** What is there already, or will be. Where it is there, nobody waits: not even for the next microtask. */
export type MaybePromise<Value> = Value | Promise<Value>;

/** Goes on with a value: at once where it is there. */
export function andThen<Value, Result>(
  value: MaybePromise<Value>,
  next: (value: Value) => MaybePromise<Result>,
): MaybePromise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** What a function returns; what it throws as a rejection, so that whoever waits for it learns of it in one way. */
export function orReject<Value>(make: () => MaybePromise<Value>): MaybePromise<Value> {
  try {
    return make();
  } catch (error) {
    return Promise.reject(error);
  }
}
