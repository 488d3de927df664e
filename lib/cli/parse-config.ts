import { CORE_SCHEMA, loadAll, YAMLException } from 'js-yaml';

/**
 * Parses the text of a configuration: JSON where the file is called so, YAML otherwise. What its author may have
 * meant otherwise is a fault, too: a name given twice, and in YAML an unknown tag, an alias of nothing, a second document.
 * @throws Error that says where the fault is, and nothing of the text: there may be secrets in it
 */
export function parseConfig(text: string, file: string): unknown {
  const parsed = file.endsWith('.json') ? parseJson(text) : parseYaml(text);
  if (parsed.fault === undefined) return parsed.value;
  throw new Error(`${file} cannot be understood: ${parsed.fault}`);
}

type Parsed = { readonly fault?: undefined; readonly value: unknown } | { readonly fault: string };

/** JSON is YAML as well: that parser knows where a fault is without showing it, and sees what is there twice. */
function parseJson(text: string): Parsed {
  const { fault } = parseYaml(text);
  try {
    const value = JSON.parse(text) as unknown;
    return fault === undefined ? { value } : { fault };
  } catch {
    return { fault: fault === undefined ? 'it is no JSON' : `it is no JSON: ${fault}` };
  }
}

function parseYaml(text: string): Parsed {
  try {
    // Of a file in which nothing is, there is none.
    const [value = null, ...others] = loadAll(text, { schema: CORE_SCHEMA });
    const fault = others.length > 0 ? 'there is a second document in it' : aliasFault(value);
    return fault === undefined ? { value } : { fault };
  } catch (error) {
    return { fault: error instanceof YAMLException ? faultOf(error) : 'it is no YAML' };
  }
}

/** The parser's words alone: what it has put behind a quote, a colon or an exclamation mark is of the text. */
function faultOf({ reason, mark }: YAMLException): string {
  const [words = ''] = /^[A-Za-z ,;'-]*/.exec(reason) ?? [];
  return mark === undefined
    ? words.trim()
    : `${words.trim()} at line ${mark.line + 1}, column ${mark.column + 1}`;
}

/** Values that a configuration may have once each alias stands for a copy. */
const MOST_VALUES = 100_000;

/**
 * What is wrong with the aliases, which the parser takes for references: one of what it is in has no end, and aliases of
 * aliases of aliases make a huge configuration out of a small file.
 */
function aliasFault(config: unknown): string | undefined {
  const above = new Set<unknown>();
  let values = 0;
  const visit = (value: unknown): string | undefined => {
    values += 1;
    if (values > MOST_VALUES) return 'too many values, with what aliases stand for';
    if (typeof value !== 'object' || value === null) return undefined;
    if (above.has(value)) return 'an alias of what it is in';
    above.add(value);
    for (const inner of Object.values(value)) {
      const fault = visit(inner);
      if (fault !== undefined) return fault;
    }
    above.delete(value);
    return undefined;
  };
  return visit(config);
}
