import { CertBoundAuthConfigurationError } from 'nestjs-cert-bound-auth';

/** A copy of an object with one member replaced: `set(options, 'dpop.nonce', 7)`. */
export function set(target: unknown, path: string, value: unknown): unknown {
  const [name = '', ...rest] = path.split('.');
  const members = target as Readonly<Record<string, unknown>>;
  const member = rest.length === 0 ? value : set(members[name] ?? {}, rest.join('.'), value);
  return Array.isArray(target)
    ? target.map((item: unknown, index) => (index === Number(name) ? member : item))
    : { ...members, [name]: member };
}

/** The message that options are refused with, or that they are accepted. */
export function messageOf(subject: string, resolve: () => unknown): string {
  try {
    resolve();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof CertBoundAuthConfigurationError)) return `threw ${String(error)}`;
    const [first, ...lines] = error.message.split('\n');
    if (first !== `${subject} cannot start with these options:`) return error.message;
    return withoutNode(lines.join('\n'));
  }
}

/** What OpenSSL says differs from one version of Node to the next. */
function withoutNode(message: string): string {
  return message.replaceAll(
    /(it cannot be used|it is no private key): (?!there is no|it holds|.* is not the).*/g,
    '$1: …',
  );
}

/** One value of a field, and what is said of it. */
export interface Outcome {
  readonly name: string;
  readonly value: unknown;
  readonly message: string;
}

/**
 * What is said of each value of one field. Values with the same message stand together, and the largest such group is
 * `every other value`; `(its type)` stands for the right name of the value's type.
 */
export function section(title: string, outcomes: readonly Outcome[]): string {
  const groups = new Map<string, string[]>();
  for (const { name, value, message } of outcomes) {
    const general = message.replaceAll(`(${typeName(value)}): `, '(its type): ');
    groups.set(general, [...(groups.get(general) ?? []), name]);
  }
  const largest = Math.max(...[...groups.values()].map((names) => names.length));
  const rare = [...groups].filter(([, names]) => names.length < largest);
  const usual = [...groups].filter(([, names]) => names.length === largest);
  const parts = [
    ...rare.map(([message, names]) => [names.join('  '), message]),
    ...usual.map(([message]) => [outcomes.length === 1 ? '' : 'every other value', message]),
  ];
  const lines = parts.map(([names = '', message = '']) =>
    [names, indent(message)].filter(Boolean).join('\n'),
  );
  return [`## ${title}`, ...lines].join('\n');
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'empty array' : 'array';
  return value === '' ? 'empty string' : typeof value;
}

function indent(text: string): string {
  return text.replaceAll(/^ */gm, '    ');
}
