/** One challenge of a `WWW-Authenticate` field, parsed. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~\\w-]+";
const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"';
/** One element of the list: a scheme, a scheme with its first auth-param, or a further auth-param. */
const ELEMENT = new RegExp(
  `(?:(${TOKEN})(?: +|(?= *,)|$))?(?:(${TOKEN})=(?:${QUOTED}|(${TOKEN})))?(?: *, *(?!$)|$)`,
  'y',
);

/** A challenge that is being read. */
interface OpenChallenge extends Challenge {
  readonly parameters: Map<string, string>;
}

/**
 * Parses a `WWW-Authenticate` field of several challenges as strictly as RFC 9110 §11.6.1 has a sender write it: what it
 * cannot read to the end, an empty element, or an auth-param without a scheme before it is an error.
 */
export function parseChallenges(field: string): readonly Challenge[] {
  const challenges: OpenChallenge[] = [];
  ELEMENT.lastIndex = 0;
  do {
    const position = ELEMENT.lastIndex;
    const [, scheme, name, quoted, bare] = ELEMENT.exec(field) ?? unreadable(field, position);
    if (scheme !== undefined) challenges.push({ scheme, parameters: new Map() });
    else if (name === undefined || challenges.at(-1)?.parameters.size === 0) unreadable(field, position);
    const open = challenges.at(-1) ?? unreadable(field, position);
    if (name !== undefined) addParameter(open, name.toLowerCase(), bare ?? unescaped(quoted ?? ''));
  } while (ELEMENT.lastIndex < field.length);
  return challenges;
}

function addParameter({ scheme, parameters }: OpenChallenge, name: string, value: string): void {
  if (parameters.has(name)) throw new Error(`the challenge of ${scheme} has ${name} twice`);
  parameters.set(name, value);
}

function unescaped(quoted: string): string {
  return quoted.replaceAll(/\\(.)/g, '$1');
}

function unreadable(field: string, position: number): never {
  throw new Error(`unreadable challenges from ${position}: ${field}`);
}
