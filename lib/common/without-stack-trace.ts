/**
 * Runs something at once whose errors are values: V8 draws up no stack trace for those that are made meanwhile, which would
 * cost more than most steps of a request. Where nobody may change that, it draws them up.
 */
export function withoutStackTrace<Value>(make: () => Value): Value {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    return make();
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
}
