/** One wrong field of the options. */
export interface ConfigurationProblem {
  /** `authorizationServers[0].issuer`. */
  readonly path: string;
  /** What is there: its type, never its value, which may be a secret. */
  readonly found: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Stops the boot: names every wrong field, the type of its value, and the remedy. */
export class CertBoundAuthConfigurationError extends Error {
  override readonly name = 'CertBoundAuthConfigurationError';

  /** @param subject what is configured */
  constructor(
    readonly problems: readonly ConfigurationProblem[],
    subject = 'CertBoundAuthModule',
  ) {
    const lines = problems.map(({ path, found, remedy }) => `  - ${path} (${found}): ${remedy}`);
    super([`${subject} cannot start with these options:`, ...lines].join('\n'));
  }
}

/** Describes a wrong field. */
export function problem(path: string, value: unknown, remedy: string): ConfigurationProblem {
  return { path, found: typeName(value), remedy };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'empty array' : 'array';
  if (value === '') return 'empty string';
  return typeof value;
}
