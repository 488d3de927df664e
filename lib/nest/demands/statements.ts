import 'reflect-metadata';
import type { ScopeRule, SenderConstraint } from '../../authorization/demands.js';

/** What one decorator of this module says of a class or of a method. */
export type Statement =
  | { readonly kind: 'public' }
  | { readonly kind: 'rule'; readonly rule: ScopeRule }
  | { readonly kind: 'constraint'; readonly constraint: SenderConstraint };

const STATEMENTS_METADATA = 'cert-bound-auth:statements';

/** Stands for the class itself, where others are names of methods. */
const CLASS = Symbol('class');

/**
 * Keeps what a decorator says under the prototype of the class and the name of the method. Another decorator may put
 * another function, or another class, in the place of what was decorated: the prototype and the name stay.
 */
export function state(target: object, name: string | symbol | undefined, statement: Statement): void {
  const holder = name === undefined ? prototypeOf(target) : target;
  const key = name ?? CLASS;
  Reflect.defineMetadata(STATEMENTS_METADATA, [...statementsIn(holder, key), statement], holder, key);
}

/** What decorators said of a method, where this very prototype has it. */
export function statementsOnMethod(prototype: object, name: string | symbol): readonly Statement[] {
  return statementsIn(prototype, name);
}

/** What decorators said of the class with this very prototype. */
export function statementsOnClass(prototype: object): readonly Statement[] {
  return statementsIn(prototype, CLASS);
}

/** A decorator may be put on a function that is no class: then it has what is said of it itself. */
function prototypeOf(target: object): object {
  const { prototype } = target as { readonly prototype?: object };
  return prototype ?? target;
}

function statementsIn(holder: object, key: string | symbol): readonly Statement[] {
  return (Reflect.getOwnMetadata(STATEMENTS_METADATA, holder, key) as readonly Statement[] | undefined) ?? [];
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

/** Whether any of them demands something. */
export function demandsAmong(statements: readonly Statement[]): boolean {
  return statements.some(({ kind }) => kind !== 'public');
}
