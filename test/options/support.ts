import { CertBoundAuthConfigurationError } from 'nestjs-cert-bound-auth';

/** What stands at a path of an object: `set(options, 'dpop.nonce', 7)` returns a copy with that one member replaced. */
export function set(target: unknown, path: string, value: unknown): unknown {
  const [name = '', ...rest] = path.split('.');
  const members = target as Readonly<Record<string, unknown>>;
  const member = rest.length === 0 ? value : set(members[name], rest.join('.'), value);
  if (Array.isArray(target))
    return target.map((item: unknown, index) => (index === Number(name) ? member : item));
  return { ...members, [name]: member };
}

/** The whole message that options are refused with, or that they are accepted. */
export function messageOf(resolve: () => unknown): string {
  try {
    resolve();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof CertBoundAuthConfigurationError)) return `threw ${String(error)}`;
    return withoutNode(error.message);
  }
}

/** What OpenSSL says differs from one version of Node to the next. */
function withoutNode(message: string): string {
  return message.replaceAll(
    /(it cannot be used|it is no private key): (?!there is no|it holds|.* is not the).*/g,
    '$1: …',
  );
}

/** One field, and what is said of each value: values with the same message stand together. */
export function section(
  title: string,
  outcomes: readonly (readonly [value: string, message: string])[],
): string {
  const messages = [...new Set(outcomes.map(([, message]) => message))];
  const parts = messages.map((message) => {
    const values = outcomes.filter(([, other]) => other === message).map(([value]) => value);
    return `${values.join('  ')}\n${indent(message)}`;
  });
  return [`## ${title}`, ...parts].join('\n');
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
