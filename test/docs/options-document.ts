import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const root = new URL('../../', import.meta.url).pathname;

/** A part of the document: which types of which file it describes. */
interface Chapter {
  readonly title: string;
  readonly file: string;
  /** Every exported type, in the order of the file, unless they are named. */
  readonly types?: readonly string[];
}

const CHAPTERS: readonly Chapter[] = [
  { title: 'CertBoundAuthModule', file: 'lib/cert-bound-auth.options.ts' },
  { title: 'ForwardAuthModule', file: 'lib/forward-auth/forward-auth.options.ts' },
  { title: 'SharedSignalsModule', file: 'lib/shared-signals/shared-signals.options.ts' },
  { title: 'mutualTls', file: 'lib/tls/mutual-tls.ts', types: ['MutualTlsOptions'] },
];

const PREFACE = `# Options

This page is made from the comments in the source: change those, then run \`npm run docs\`. The compiler shows the same
text in your editor. An option that is not marked as required may be left out.`;

type DocumentedType = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;
type Option = ts.PropertySignature | ts.MethodSignature;

/** Renders the options as a document in Markdown, from the TSDoc of their types. */
export async function optionsDocument(): Promise<string> {
  const chapters = CHAPTERS.map((chapter) => ({ ...chapter, types: typesOf(chapter) }));
  const documented = new Set(chapters.flatMap(({ types }) => types.map(({ name }) => name.text)));
  const parts = chapters.flatMap(({ title, types }) => [
    `## ${title}`,
    ...types.map((type) => renderType(type, documented)),
  ]);
  const config = await resolveConfig(join(root, 'docs/options.md'));
  return format([PREFACE, ...parts].join('\n\n'), {
    ...config,
    parser: 'markdown',
    proseWrap: 'always',
  });
}

function typesOf({ file, types }: Chapter): readonly DocumentedType[] {
  const path = join(root, file);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2023, true);
  return source.statements
    .filter((statement) => ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
    .filter(({ name }) => types?.includes(name.text) ?? true);
}

function renderType(type: DocumentedType, documented: ReadonlySet<string>): string {
  const link = linker(documented);
  const parts = [`### ${type.name.text}`, link(textOf(type)), ...examplesOf(type)];
  if (ts.isTypeAliasDeclaration(type))
    return [...parts, link(`Type: ${codeOf(type.type, documented)}`)].join('\n\n');
  const inherited = (type.heritageClauses ?? []).flatMap(({ types }) => types.map((base) => base.getText()));
  const bases = [...documented].filter((name) => inherited.some((base) => mentions(base, name)));
  return [
    ...parts,
    ...(bases.length === 0
      ? []
      : [`It also has options of ${bases.map((name) => linkTo(name)).join(', ')}.`]),
    ...type.members.filter(isOption).flatMap((option) => renderOption(option, documented)),
  ].join('\n\n');
}

/** What is `never` there only keeps two members of a union apart. */
function isOption(member: ts.TypeElement): member is Option {
  if (ts.isMethodSignature(member)) return true;
  return ts.isPropertySignature(member) && member.type?.kind !== ts.SyntaxKind.NeverKeyword;
}

function renderOption(option: Option, documented: ReadonlySet<string>): readonly string[] {
  const link = linker(documented);
  const name = option.name.getText();
  const isRequired = option.questionToken === undefined;
  const type = ts.isPropertySignature(option) ? option.type : option;
  if (type === undefined) throw new Error(`the option ${name} has no type`);
  const defaultValue = tagOf(option, 'default');
  const text =
    textOf(option) || (ts.isPropertySignature(option) && ts.isLiteralTypeNode(type) ? '' : undefined);
  if (text === undefined && name !== 'method') throw new Error(`the option ${name} has no documentation`);
  const returned = tagOf(option, 'returns');
  return [
    `#### ${name}`,
    `${codeOf(type, documented)}${isRequired ? ' (required)' : ''}`,
    ...[text ?? '', returned === undefined ? '' : `It returns ${returned}.`]
      .filter(Boolean)
      .map((line) => link(line)),
    ...(defaultValue === undefined ? [] : [link(`Default: ${asCode(defaultValue)}`)]),
  ];
}

/** A value at the beginning of a line, and what it means. */
const MEANING = /^`[^`]+`[^:.]*: /;

/** An item of a list for each value, a paragraph for what is lost; other lines were only wrapped. */
function textOf(node: ts.Node): string {
  const comment = ts.getJSDocCommentsAndTags(node).find((doc) => ts.isJSDoc(doc));
  return plain(comment?.comment)
    .replaceAll(/\n(?!`[^`]+`[^:.]*: |What is lost)/g, ' ')
    .split('\n')
    .map((line) => (MEANING.test(line) ? `- ${line}` : `\n${line}\n`))
    .join('\n')
    .trim();
}

function plain(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  if (comment === undefined || typeof comment === 'string') return comment ?? '';
  return comment.map((part) => (part.kind === ts.SyntaxKind.JSDocText ? part.text : linkText(part))).join('');
}

function linkText(part: ts.JSDocComment): string {
  const name = /\{@link\s+([\w.]+)/.exec(part.getText())?.[1] ?? '';
  return `{@link ${name}}`;
}

function tagOf(node: ts.Node, name: string): string | undefined {
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === name);
  return tag === undefined ? undefined : plain(tag.comment).replaceAll('\n', ' ');
}

function examplesOf(node: ts.Node): readonly string[] {
  return ts
    .getJSDocTags(node)
    .filter(({ tagName }) => tagName.text === 'example')
    .map(({ comment }) => plain(comment));
}

/** A literal at the beginning of a default is code. */
function asCode(text: string): string {
  return text.replace(/^('[^']*'|[\d]+|true|false|\{[^}]*\}|\[[^\]]*\])/, '`$1`');
}

/** A type as code, or as links where it is made of documented ones. */
function codeOf(type: ts.Node, documented: ReadonlySet<string>): string {
  const code = type
    .getText()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/^\| |readonly |;$/g, '')
    .replace(/^(\w+)\?\(/, '$1(');
  const members = code.split(' | ');
  const linked = members.map((member) => {
    const name = member.replace(/\[\]$/, '');
    return documented.has(name) ? `${name === member ? '' : 'a list of '}${linkTo(name)}` : undefined;
  });
  if (linked.every((link) => link !== undefined)) return linked.join(' or ');
  const named = [...documented].filter((name) => mentions(code, name));
  return `\`${code}\`${named.length === 0 ? '' : `, see ${named.map((name) => linkTo(name)).join(', ')}`}`;
}

function mentions(code: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(code);
}

function linker(documented: ReadonlySet<string>): (text: string) => string {
  return (text) =>
    text.replaceAll(/\{@link ([\w.]+)\}/g, (_, name: string) =>
      documented.has(name) ? linkTo(name) : `\`${name}\``,
    );
}

function linkTo(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}
