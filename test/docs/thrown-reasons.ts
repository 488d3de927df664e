import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** What makes an `OAuthError`: a function of oauth-error.ts, or one that passes its reason on to such a function. */
interface Factory {
  /** What the caller sees, as `401 invalid_token`. */
  readonly seen: string;
  /** Which of its parameters is the reason. */
  readonly reason: number;
}

type Factories = Map<ts.Declaration, Factory>;

const root = new URL('../../', import.meta.url).pathname;

/**
 * Which reasons the library gives, and what the caller sees of each: read from its source by the types of what is given
 * to the functions of oauth-error.ts.
 */
export function thrownReasons(): ReadonlyMap<string, ReadonlySet<string>> {
  const program = libraryProgram();
  const sources = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(root, 'lib/')));
  const checker = program.getTypeChecker();
  const thrown = new Map<string, Set<string>>();
  const add = (reason: string, seen: string): unknown =>
    thrown.set(reason, (thrown.get(reason) ?? new Set()).add(seen));

  const factories: Factories = new Map();
  const errors = sources.find(({ fileName }) => fileName.endsWith('/oauth-error.ts'));
  for (const { factory, name, reason } of errorFunctions(errors)) {
    if (typeof reason === 'string') add(reason, factory);
    else factories.set(name, { seen: factory, reason });
  }
  const calls = sources.flatMap((source) => nodesIn(source).filter((node) => ts.isCallExpression(node)));
  // Once more for each function that was found to pass its reason on.
  for (let known = 0; known < factories.size;) {
    known = factories.size;
    for (const call of calls) {
      const factory = factories.get(declarationOf(call.expression, checker) as ts.Declaration);
      const argument = factory === undefined ? undefined : call.arguments[factory.reason];
      if (factory === undefined || argument === undefined) continue;
      const passedOn = parameterOf(argument, checker);
      if (passedOn === undefined)
        for (const reason of literalsOf(argument, checker)) add(reason, factory.seen);
      else factories.set(passedOn.of, { seen: factory.seen, reason: passedOn.index });
    }
  }
  return thrown;
}

function libraryProgram(): ts.Program {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((name) => name.endsWith('.ts')).map((name) => join(root, 'lib', name));
  return ts.createProgram(sources, options);
}

interface ErrorFunction {
  readonly name: ts.Declaration;
  readonly factory: string;
  /** The reason itself, or which parameter it is. */
  readonly reason: string | number;
}

/** The functions that return `new OAuthError({ status, code }, reason)`. */
function errorFunctions(source: ts.SourceFile | undefined): readonly ErrorFunction[] {
  return (source?.statements ?? []).flatMap((name): readonly ErrorFunction[] => {
    if (!ts.isFunctionDeclaration(name)) return [];
    const made = nodesIn(name).find((node) => ts.isNewExpression(node));
    const [refusal, reason] = made?.arguments ?? [];
    if (refusal === undefined || reason === undefined || !ts.isObjectLiteralExpression(refusal)) return [];
    const factory = [memberOf(refusal, 'status'), memberOf(refusal, 'code')].filter(Boolean).join(' ');
    if (ts.isStringLiteral(reason)) return [{ name, factory, reason: reason.text }];
    const index = name.parameters.findIndex((parameter) => parameter.name.getText() === reason.getText());
    return [{ name, factory, reason: index }];
  });
}

function memberOf(literal: ts.ObjectLiteralExpression, name: string): string {
  const member = literal.properties.find((property) => property.name?.getText() === name);
  if (member === undefined || !ts.isPropertyAssignment(member)) return '';
  const { initializer } = member;
  return ts.isStringLiteral(initializer) || ts.isNumericLiteral(initializer) ? initializer.text : '';
}

function nodesIn(node: ts.Node, nodes: ts.Node[] = []): readonly ts.Node[] {
  nodes.push(node);
  node.forEachChild((child) => {
    nodesIn(child, nodes);
  });
  return nodes;
}

/** What a name stands for, in whichever file. */
function declarationOf(name: ts.Node, checker: ts.TypeChecker): ts.Declaration | undefined {
  const symbol = checker.getSymbolAtLocation(name);
  if (symbol === undefined) return undefined;
  const own = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
  return own.declarations?.[0];
}

/** The function whose parameter an argument is, as it stands. */
function parameterOf(
  argument: ts.Expression,
  checker: ts.TypeChecker,
): { readonly of: ts.Declaration; readonly index: number } | undefined {
  if (!ts.isIdentifier(argument)) return undefined;
  const parameter = declarationOf(argument, checker);
  if (parameter === undefined || !ts.isParameter(parameter)) return undefined;
  return { of: parameter.parent, index: parameter.parent.parameters.indexOf(parameter) };
}

function literalsOf(argument: ts.Expression, checker: ts.TypeChecker): readonly string[] {
  const type = checker.getTypeAtLocation(argument);
  const types = type.isUnion() ? type.types : [type];
  return types.map((one) => (one.isStringLiteral() ? one.value : `not known: ${argument.getText()}`));
}
