/** A `WWW-Authenticate` field with one challenge, parsed. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const SCHEME = /^([!#$%&'*+.^_`|~\w-]+)(?: +|$)/;
/** auth-param of RFC 9110 §11.2: a token, or a quoted string with its backslashes. */
const PARAMETER = /([!#$%&'*+.^_`|~\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))(?: *, *|$)/y;

/** Parses one challenge as strictly as RFC 9110 writes it: what it cannot read to the end is an error. */
export function parseChallenge(field: string): Challenge {
  const begin = SCHEME.exec(field);
  if (begin === null) throw new Error(`no scheme in the challenge: ${field}`);
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = begin[0].length;
  while (PARAMETER.lastIndex < field.length) {
    const position = PARAMETER.lastIndex;
    const match = PARAMETER.exec(field);
    if (match === null) throw new Error(`unreadable challenge from ${position}: ${field}`);
    const name = (match[1] ?? '').toLowerCase();
    if (parameters.has(name)) throw new Error(`the challenge has ${name} twice: ${field}`);
    parameters.set(name, match[3] ?? (match[2] ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return { scheme: begin[1] ?? '', parameters };
}
