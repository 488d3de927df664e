import type { ProxyPlan } from './proxy-plan.js';

/** What each file begins with. */
export function heading(proxy: string, version: string, more: readonly string[] = []): string {
  return [
    `# ${version}, in front of an API: it asks nestjs-cert-bound-auth about every request.`,
    `# Printed by \`nestjs-cert-bound-auth proxy-config ${proxy} <config>\`; print it again when the policies change.`,
    '# Replace the paths of files, the name of the API and its address (127.0.0.1:8080); with several policies, the paths',
    '# of the API that each protects.',
    ...more.map((line) => `# ${line}`),
  ].join('\n');
}

/** Lines, each behind so many spaces; none at all where there are none. */
export function block(lines: readonly string[], indent: number, unit = ' '): string {
  return lines.map((line) => (line === '' ? '\n' : `${unit.repeat(indent)}${line}\n`)).join('');
}

/** A text within a regular expression that means just itself. */
export function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}

/** A regular expression for a name in a query, percent-encoded or not. */
export function spellingsOf(name: string): string {
  return name.replaceAll(/./g, (letter) => spellingsOfLetter(letter));
}

function spellingsOfLetter(letter: string): string {
  const code = Buffer.from(letter).toString('hex');
  const encoded = `%${code.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)}`;
  return `(?:${letter === ' ' ? String.raw`\+` : literally(letter)}|${encoded})`;
}

/**
 * Begins like the path of a request, as it was sent, that two readers may take for different ones: with several policies,
 * the proxy could ask about one path, and the API serve another.
 */
export const AMBIGUOUS_PATH = String.raw`//|\x5c|%2f|%5c|%2e|/\.\.?(?:[/;?#]|$)|#`;

/** Where `serve` answers HTTP, as an authority; `undefined` on a unix socket. */
export function authorityOf({ auth }: ProxyPlan): string | undefined {
  return 'unix' in auth ? undefined : `${hostOf(auth.host)}:${auth.port}`;
}

/** An address that a server listens on, as one to connect to. */
export function hostOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
