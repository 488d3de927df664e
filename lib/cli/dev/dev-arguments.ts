import { parseArgs, type ParseArgsConfig } from 'node:util';

/** What the command `dev` was asked for. */
export interface DevArguments {
  readonly folder: string;
  readonly port: number;
  readonly audiences: readonly [string, ...string[]];
  /** Of the token that it prints. */
  readonly scope: string | undefined;
  /** Where the commands that it prints call the API. */
  readonly api: string;
}

const OPTIONS = {
  folder: { type: 'string', default: '.cert-bound' },
  port: { type: 'string', default: '9443' },
  audience: { type: 'string', multiple: true, default: ['https://api.example.com'] },
  scope: { type: 'string' },
  api: { type: 'string', default: 'https://localhost:3000' },
} satisfies ParseArgsConfig['options'];

/** @returns nothing where the command line is wrong */
export function readDevArguments(args: readonly string[]): DevArguments | undefined {
  const given = parsed(args);
  if (given === undefined) return undefined;
  const { folder, port, scope } = given;
  const [audience, ...others] = given.audience;
  if (audience === undefined || folder === '' || !isPort(port) || !URL.canParse(given.api)) return undefined;
  return {
    folder,
    port: Number(port),
    audiences: [audience, ...others],
    scope,
    api: given.api.replace(/\/+$/, ''),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch {
    return undefined;
  }
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}
