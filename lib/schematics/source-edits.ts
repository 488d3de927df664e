import type ts from 'typescript';
import { byHand, DONE, type Outcome, textOf, THERE, type Tree } from './tree.js';

/** A text to put into a source, at a place in it. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Puts all of them in; places are those of the source as it was. */
export function withInsertions(source: string, insertions: readonly Insertion[]): string {
  return insertions
    .toSorted((one, other) => other.at - one.at)
    .reduce((text, { at, text: added }) => text.slice(0, at) + added + text.slice(at), source);
}

/** What is to become of a source of the app. */
export interface SourceEdit {
  readonly path: string;
  /** What to do by hand where it cannot be done safely. */
  readonly words: string;
  readonly isThere: (source: string) => boolean;
  /** The statements that import what is put in. */
  readonly imports: string;
  /** What is put in; `undefined` where there is no place for it that is sure. @internal */
  readonly insertion: (compiler: typeof ts, file: ts.SourceFile) => Insertion | undefined;
}

/** Edits a source once. @internal */
export function editSource(
  tree: Tree,
  compiler: typeof ts | undefined,
  { path, words, isThere, imports, insertion }: SourceEdit,
): Outcome {
  const source = textOf(tree, path);
  if (source === undefined || compiler === undefined) return byHand(words);
  if (isThere(source)) return THERE;
  const file = parsed(compiler, path, source);
  const added = insertion(compiler, file);
  if (added === undefined) return byHand(words);
  tree.overwrite(path, withInsertions(source, [importInsertion(compiler, file, imports), added]));
  return DONE;
}

/** Adds an import behind the last one. @internal */
export function importInsertion(compiler: typeof ts, file: ts.SourceFile, statement: string): Insertion {
  const last = file.statements.findLast((each) => compiler.isImportDeclaration(each));
  return last === undefined
    ? {
        at: file.getFullText().startsWith('#!') ? file.getFullText().indexOf('\n') + 1 : 0,
        text: `${statement}\n`,
      }
    : { at: last.getEnd(), text: `\n${statement}` };
}

/** Every node of a kind, outermost first. @internal */
export function nodesOf<Node extends ts.Node>(
  compiler: typeof ts,
  root: ts.Node,
  isWanted: (node: ts.Node) => node is Node,
): readonly Node[] {
  const found: Node[] = [];
  const visit = (node: ts.Node): void => {
    if (isWanted(node)) found.push(node);
    compiler.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

/** The member of an object literal that has this name. @internal */
export function memberOf(
  compiler: typeof ts,
  object: ts.ObjectLiteralExpression,
  name: string,
): ts.ObjectLiteralElementLike | undefined {
  return object.properties.find((member) => isNamed(compiler, member) && member.name.text === name);
}

/** Whether the name of a member is written out: it is neither spread nor computed. @internal */
export function isNamed(
  compiler: typeof ts,
  member: ts.ObjectLiteralElementLike,
): member is ts.ObjectLiteralElementLike & { readonly name: ts.Identifier | ts.StringLiteral } {
  const { name } = member;
  return name !== undefined && (compiler.isIdentifier(name) || compiler.isStringLiteral(name));
}

/** Puts a member or an element in front of those that are in a literal. @internal */
export function firstIn(
  literal: ts.ObjectLiteralExpression | ts.ArrayLiteralExpression,
  text: string,
): Insertion {
  const isEmpty = ('properties' in literal ? literal.properties : literal.elements).length === 0;
  const at = literal.getStart() + 1;
  const isObject = 'properties' in literal;
  if (isEmpty) return { at, text: isObject ? ` ${text} ` : text };
  return { at, text: isObject ? ` ${text},` : `${text}, ` };
}

/** A source as the compiler reads it. @internal */
export function parsed(compiler: typeof ts, path: string, source: string): ts.SourceFile {
  return compiler.createSourceFile(path, source, compiler.ScriptTarget.Latest, true);
}
