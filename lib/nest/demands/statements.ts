import 'reflect-metadata';
import type { ScopeRule, SenderConstraint, TokenCheck } from '../../authorization/demands.js';

/** What one decorator of this module says of a class or of a method. */
export type Statement =
  | { readonly kind: 'public' }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'rule'; readonly rule: ScopeRule }
  | { readonly kind: 'constraint'; readonly constraint: SenderConstraint }
  | { readonly kind: 'check'; readonly check: TokenCheck }
  | { readonly kind: 'policy'; readonly policy: string };

const STATEMENTS_METADATA = 'cert-bound-auth:statements';

/** Stands for the class itself, where others are names of methods. */
const CLASS = Symbol('class');

/**
 * A decorator that keeps what it says under the prototype of the class and the name of the method. Another decorator may
 * put another function, or another class, in the place of what was decorated: the prototype and the name stay. What was
 * decorated keeps it as well: a mixin copies methods into other classes, with what they bring along.
 */
export function state(statement: Statement): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const holder = name === undefined ? prototypeOf(target) : target;
    const key = name ?? CLASS;
    const said = [...statementsIn(holder, key), statement];
    Reflect.defineMetadata(STATEMENTS_METADATA, said, holder, key);
    const method: unknown = descriptor?.value;
    if (name === undefined) bring([...statementsIn(target), statement], target);
    else if (typeof method === 'function') bring([...broughtBy(method), statement], method);
  };
}

function bring(statements: readonly Statement[], decorated: object): void {
  Reflect.defineMetadata(STATEMENTS_METADATA, statements, decorated);
}

/** A function that a decorator has made may have the original as its prototype. */
function broughtBy(method: object): readonly Statement[] {
  return (Reflect.getMetadata(STATEMENTS_METADATA, method) as readonly Statement[] | undefined) ?? [];
}

/** What decorators said of a method, where this very prototype has it, and what its function brings along. */
export function statementsOnMethod(
  prototype: object,
  name: string | symbol,
  method?: object,
): readonly Statement[] {
  return withBrought(statementsIn(prototype, name), method);
}

/** What decorators said of the class with this very prototype, or of the one that it was copied from. */
export function statementsOnClass(prototype: object): readonly Statement[] {
  const own = statementsIn(prototype, CLASS);
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof maker !== 'function') return own;
  const copied = statementsIn(maker);
  return own.length === 0 && maker.prototype === prototype ? copied : joined(own, copied);
}

/**
 * What a function brings along, its own and that of the function which is its prototype, beside what is said where it
 * stands. It opens nothing unless it was declared open itself, and nothing else is said of it there.
 */
export function withBrought(said: readonly Statement[], method: object | undefined): readonly Statement[] {
  if (method === undefined) return said;
  const brought = broughtBy(method);
  return said.length === 0 && brought === statementsIn(method) ? brought : joined(said, brought);
}

/** The statements, with the demands among others. */
function joined(statements: readonly Statement[], others: readonly Statement[]): readonly Statement[] {
  return [...statements, ...others.filter((other) => !isOpening(other) && !statements.includes(other))];
}

/** A decorator may be put on a function that is no class: then it has what is said of it itself. */
function prototypeOf(target: object): object {
  const { prototype } = target as { readonly prototype?: object };
  return prototype ?? target;
}

function statementsIn(holder: object, key?: string | symbol): readonly Statement[] {
  const statements: unknown =
    key === undefined
      ? Reflect.getOwnMetadata(STATEMENTS_METADATA, holder)
      : Reflect.getOwnMetadata(STATEMENTS_METADATA, holder, key);
  return (statements as readonly Statement[] | undefined) ?? [];
}

/** Whether it lets in whoever has no token. */
export function isOpening({ kind }: Statement): boolean {
  return kind === 'public' || kind === 'anonymous';
}

export function isAnonymousAmong(statements: readonly Statement[]): boolean {
  return statements.some(({ kind }) => kind === 'anonymous');
}

export function isPublicAmong(statements: readonly Statement[]): boolean {
  return statements.some(({ kind }) => kind === 'public');
}

export function rulesAmong(statements: readonly Statement[]): readonly ScopeRule[] {
  return statements.flatMap((statement) => (statement.kind === 'rule' ? [statement.rule] : []));
}

export function constraintsAmong(statements: readonly Statement[]): readonly SenderConstraint[] {
  return statements.flatMap((statement) => (statement.kind === 'constraint' ? [statement.constraint] : []));
}

export function checksAmong(statements: readonly Statement[]): readonly TokenCheck[] {
  return statements.flatMap((statement) => (statement.kind === 'check' ? [statement.check] : []));
}

/** The names of policies, each once: more than one contradict each other. */
export function policiesAmong(statements: readonly Statement[]): readonly string[] {
  return [
    ...new Set(statements.flatMap((statement) => (statement.kind === 'policy' ? [statement.policy] : []))),
  ];
}

/** Whether any of them demands something. */
export function demandsAmong(statements: readonly Statement[]): boolean {
  return statements.some(({ kind }) => kind !== 'public');
}
