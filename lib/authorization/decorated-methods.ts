import 'reflect-metadata';

const DECORATED_METADATA = 'cert-bound-auth:decorated';

/**
 * Notes on the class that a method was decorated. The decorator's metadata itself is on the function, and is lost
 * when another decorator puts a function of its own in the method's place.
 */
export function noteDecorated(prototype: object, name: string | symbol): void {
  Reflect.defineMetadata(DECORATED_METADATA, true, prototype, name);
}

/** Whether a method was decorated by this module, whatever function it is now. */
export function wasDecorated(prototype: object, name: string | symbol): boolean {
  return Reflect.getOwnMetadata(DECORATED_METADATA, prototype, name) === true;
}
