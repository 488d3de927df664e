/** A class of an app. */
export type Class = abstract new (...args: never[]) => object;

/** A handler as Nest runs it: a method, or whatever function stands in its place. */
export type Handler = (...args: never[]) => unknown;

/** A method that classes of one chain have under one name, the nearest first. */
export interface Method {
  readonly name: string;
  readonly levels: readonly MethodLevel[];
}

/** A method where one prototype has it. */
export interface MethodLevel {
  readonly prototype: object;
  readonly value: Handler;
}

/**
 * The prototypes of a class and of those that it extends, the nearest first. They are several where a mixin has copied the
 * `constructor` of another class, by which Nest tells the class of an instance: then all of them hold.
 */
export function chainsOf(of: Class): readonly (readonly object[])[] {
  return [...new Set([...(foreign.get(of) ?? []), of.prototype])].map((prototype) => chainFrom(prototype));
}

function chainFrom(prototype: object): readonly object[] {
  const chain: object[] = [];
  for (let each: object | null = prototype; each; each = Object.getPrototypeOf(each) as object | null)
    if (each !== Object.prototype) chain.push(each);
  return chain;
}

/** The methods of a class, own and inherited. */
export function methodsOf(of: Class): readonly Method[] {
  return chainsOf(of).flatMap((prototypes) => methodsAmong(prototypes));
}

function methodsAmong(prototypes: readonly object[]): readonly Method[] {
  const names = new Set(prototypes.flatMap((prototype) => Object.getOwnPropertyNames(prototype)));
  names.delete('constructor');
  return [...names].map((name) => methodNamed(prototypes, name)).filter(({ levels }) => levels.length > 0);
}

function methodNamed(prototypes: readonly object[], name: string): Method {
  const levels = prototypes.flatMap((prototype): readonly MethodLevel[] => {
    // Not by reading it: what is no method may be a getter.
    const value: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
    return typeof value === 'function' ? [{ prototype, value: value as Handler }] : [];
  });
  return { name, levels };
}

/** Instances of classes, as the apps of this process have them. They may be gone: an app ends, and another one begins. */
const instances = new WeakMap<object, readonly WeakRef<object>[]>();

/** By a class, the prototypes of instances that have it as their `constructor`, but are of another one. */
const foreign = new WeakMap<object, readonly object[]>();

/** By a class, what an app has in its place: a decorator has put a proxy there, or a mixin has copied its `constructor`. */
const replaced = new WeakMap<object, object>();

/** What Nest may look at for what decorators left of this class, and so miss its guards; `undefined` for the class itself. */
export function replacementOf(of: Class): object | undefined {
  return replaced.get(of);
}

/**
 * Remembers an instance, so that a function that its constructor has put in a method's place is known for that method.
 * @param registered the class as the app has it
 */
export function rememberInstance(instance: object, registered: unknown): void {
  const { constructor } = instance;
  if (typeof registered === 'function' && constructor !== registered) replaced.set(constructor, registered);
  const prototype = Object.getPrototypeOf(instance) as object;
  if (prototype !== constructor.prototype) {
    foreign.set(constructor, [...new Set([...(foreign.get(constructor) ?? []), prototype])]);
  }
  const known = (instances.get(constructor) ?? []).filter((other) => other.deref() !== undefined);
  instances.set(constructor, [...known, new WeakRef(instance)]);
}

/** Whether an instance names a class of which nothing can be known: another function each time that it is asked. */
export function hidesItsClass(instance: object): boolean {
  const { constructor } = instance;
  return constructor !== instance.constructor;
}

/** Which methods a handler stands for: several where one function stands in the place of several. */
export interface FoundMethods {
  readonly methods: readonly Method[];
  /** Not where only the function's own name says so. */
  readonly certain: boolean;
}

/**
 * Finds the methods that a handler stands for: it is the method itself, or what an instance of the class has in its place,
 * as `this.pay = this.pay.bind(this)` in a constructor. An instance that is made for one request is not known here: of
 * its functions the name tells.
 */
export function findMethods(of: Class, handler: Handler): FoundMethods {
  const all = methodsOf(of);
  const methods = all.filter(
    ({ name, levels }) => levels[0]?.value === handler || isHandlerOfAnInstance(of, name, handler),
  );
  if (methods.length > 0) return { methods, certain: true };
  const called = handler.name.replace(/^(?:bound )+/, '');
  return { methods: all.filter(({ name }) => name === called), certain: false };
}

function isHandlerOfAnInstance(of: Class, name: string, handler: Handler): boolean {
  return (instances.get(of) ?? []).some((reference) => {
    const instance = reference.deref();
    return (
      instance !== undefined &&
      Object.getOwnPropertyDescriptor(instance, name)?.value === (handler as unknown)
    );
  });
}
