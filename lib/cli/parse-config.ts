import { type Document, LineCounter, parseDocument, visit } from 'yaml';

/**
 * Parses the text of a configuration: JSON where the file is called so, YAML otherwise. What its author may have
 * meant otherwise is a fault, too: a name given twice, and in YAML a tag, an alias of nothing, a second document.
 * @throws Error that says where the faults are, and nothing of the text: there may be secrets in it
 */
export function parseConfig(text: string, file: string): unknown {
  const parsed = file.endsWith('.json') ? parseJson(text) : parseYaml(text);
  if (parsed.faults.length === 0) return parsed.value;
  throw new Error(`${file} cannot be understood: ${parsed.faults.join('; ')}`);
}

interface Parsed {
  readonly value?: unknown;
  /** A code of the parser, with line and column. */
  readonly faults: readonly string[];
}

/** JSON is YAML as well: that parser knows where a fault is without showing it, and sees what is there twice. */
function parseJson(text: string): Parsed {
  const { faults } = read(text, 'json');
  try {
    return { value: JSON.parse(text) as unknown, faults: faults.filter((fault) => fault.startsWith(TWICE)) };
  } catch {
    const [first] = faults;
    return { faults: [first === undefined ? 'it is no JSON' : `it is no JSON: ${first}`] };
  }
}

const TWICE = 'DUPLICATE_KEY';

function parseYaml(text: string): Parsed {
  const { document, faults } = read(text, 'core');
  return faults.length > 0 ? { faults } : valueOf(document);
}

/** Whoever uses an alias of an alias of an alias writes no configuration. */
function valueOf(document: Document.Parsed): Parsed {
  try {
    return { value: document.toJS() as unknown, faults: [] };
  } catch {
    return { faults: ['BAD_ALIAS: too many aliases'] };
  }
}

/** Warnings count as well: an unknown tag, which is left out otherwise, is one. */
function read(text: string, schema: 'json' | 'core'): { document: Document.Parsed; faults: string[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema,
    lineCounter: lines,
    stringKeys: true,
    // Its messages show the text.
    prettyErrors: false,
    // 'silent' would hide a second document.
    logLevel: 'error',
  });
  const at = (code: string, offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${code} at line ${line}, column ${col}`;
  };
  return {
    document,
    faults: [
      ...[...document.errors, ...document.warnings].map(({ code, pos: [offset] }) => at(code, offset)),
      ...wrongAliases(document).map((offset) => at('BAD_ALIAS', offset)),
    ],
  };
}

/** Where aliases of nothing are (an unquoted text that begins with `*` is one), and aliases of what they are in. */
function wrongAliases(document: Document.Parsed): readonly number[] {
  const offsets: number[] = [];
  visit(document, {
    Alias: (_, alias, path) => {
      const node = alias.resolve(document);
      if (node === undefined || path.includes(node)) offsets.push(alias.range?.[0] ?? 0);
    },
  });
  return offsets;
}
