import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearestOf } from '../common/did-you-mean.js';

/** A command line that cannot be meant so. Its message repeats nothing that could be a secret. */
export class Misuse extends Error {
  override readonly name = 'Misuse';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** What a command line gives. */
export type Given<Known extends Options> = {
  readonly [Name in keyof Known]?: Known[Name]['type'] extends 'boolean' ? boolean : string;
};

/**
 * Reads the options of a command that takes nothing else.
 * @param ofOthers what to say where something else is there, which may be a token
 * @throws Misuse
 */
export function readOptions<const Known extends Options>(
  args: readonly string[],
  options: Known,
  ofOthers: string,
): Given<Known> {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'option') requireKnown(token.name, token.value, options, ofOthers);
  }
  if (positionals.length > 0) throw new Misuse(ofOthers);
  return values;
}

function requireKnown(name: string, value: string | undefined, options: Options, ofOthers: string): void {
  const known = Object.hasOwn(options, name) ? options[name] : undefined;
  if (known === undefined) throw new Misuse(unknown(name, Object.keys(options), ofOthers));
  if (known.type === 'string' && (value === undefined || value === ''))
    throw new Misuse(`--${name} needs a value`);
  if (known.type === 'boolean' && value !== undefined) throw new Misuse(`--${name} takes no value`);
}

/** Only what could be the name of an option is repeated. */
function unknown(name: string, known: readonly string[], ofOthers: string): string {
  if (!/^[a-z][a-z-]{0,24}$/.test(name) || name === 'token') return ofOthers;
  const nearest = nearestOf(name, known);
  return `there is no option --${name}${nearest === undefined ? '' : `: did you mean --${nearest}?`}`;
}
