import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** The title of a suite or a test, as far as the source shows it. */
export interface Title {
  readonly line: number;
  /** A row of a table is put in where the source shows it; `%s` stands for what it does not show. */
  readonly text: string;
}

type Constants = ReadonlyMap<string, ts.Expression>;

const DEFINES_TEST = /^(?:describe|it|test)(?:\.\w+)*$/;
const PLACEHOLDER = /%(?:\.\d+)?[a-z]|\$\w+(?:\.\w+)*/;

/** The titles in a file, each row of a table by itself. */
export function titlesOf(path: string): readonly Title[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const constants = constantsOf(source);
  return nodesOf(source)
    .filter((node) => ts.isCallExpression(node))
    .flatMap((call) => {
      const { line } = source.getLineAndCharacterOfPosition(call.getStart());
      return titlesOfCall(call, constants).map((text) => ({ line: line + 1, text }));
    });
}

function nodesOf(node: ts.Node): readonly ts.Node[] {
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  return [node, ...children.flatMap(nodesOf)];
}

function constantsOf(source: ts.SourceFile): Constants {
  const constants = new Map<string, ts.Expression>();
  for (const node of nodesOf(source)) {
    if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
      constants.set(node.name.getText(), node.initializer);
    }
  }
  return constants;
}

function titlesOfCall(call: ts.CallExpression, constants: Constants): readonly string[] {
  const [title, body] = call.arguments;
  const table = ts.isCallExpression(call.expression) ? call.expression : undefined;
  if (body === undefined || !DEFINES_TEST.test((table ?? call).expression.getText())) return [];
  const template = title === undefined ? undefined : textOf(title);
  if (template === undefined) return [];
  const rows = table?.arguments[0] === undefined ? undefined : rowsOf(table.arguments[0], constants);
  return rows === undefined ? [template] : rows.map((row) => fillIn(template, row));
}

/** The text of a literal, with `%s` for each expression in it. */
function textOf(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => `%s${literal.text}`)].join('');
}

/** The text at the head of each row of a table, `undefined` where it is not a literal. */
function rowsOf(table: ts.Expression, constants: Constants): readonly (string | undefined)[] | undefined {
  const node = literalOf(table, constants);
  if (ts.isArrayLiteralExpression(node)) return node.elements.map(headOf);
  if (!ts.isCallExpression(node) || !/^Object\.(?:keys|entries)$/.test(node.expression.getText())) {
    return undefined;
  }
  const [argument] = node.arguments;
  const object = argument === undefined ? undefined : literalOf(argument, constants);
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return undefined;
  return object.properties.flatMap(({ name }) => (name === undefined ? [] : [nameOf(name)]));
}

function literalOf(expression: ts.Expression, constants: Constants): ts.Expression {
  let node = expression;
  while (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)) {
    node = node.expression;
  }
  const constant = ts.isIdentifier(node) ? constants.get(node.text) : undefined;
  return constant === undefined || constant === expression ? node : literalOf(constant, constants);
}

function headOf(row: ts.Expression): string | undefined {
  const node = ts.isAsExpression(row) ? row.expression : row;
  const head = ts.isArrayLiteralExpression(node) ? node.elements[0] : node;
  return head === undefined ? undefined : textOf(head);
}

function nameOf(name: ts.PropertyName): string | undefined {
  return ts.isComputedPropertyName(name) ? undefined : name.text;
}

function fillIn(template: string, row: string | undefined): string {
  return row === undefined ? template : template.replace(PLACEHOLDER, () => row);
}
