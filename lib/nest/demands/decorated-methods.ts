import 'reflect-metadata';

const DECORATED_METADATA = 'cert-bound-auth:decorated';

/** What a decorator of this module says of a method. */
export type Statement = 'public' | 'scopes' | 'constraint';

/**
 * Notes on the class what a decorator said of a method. The decorator's metadata itself is on the function, and is lost
 * when another decorator puts a function of its own in the method's place.
 */
export function noteDecorated(prototype: object, name: string | symbol, statement: Statement): void {
  const before = statementsOn(prototype, name);
  Reflect.defineMetadata(DECORATED_METADATA, [...before, statement], prototype, name);
}

/** What decorators of this module said of a method, whatever function it is now. */
export function statementsOn(prototype: object, name: string | symbol): readonly Statement[] {
  return (
    (Reflect.getOwnMetadata(DECORATED_METADATA, prototype, name) as readonly Statement[] | undefined) ?? []
  );
}
