/** What a line of the log says, by name. */
export type LogFields = Readonly<Record<string, unknown>>;

/** `name=value` pairs; what is neither text nor a number is left out. */
export function renderFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([name, value]) => `${name}=${quote(String(value))}`)
    .join(' ');
}

/** Characters: so much that a remedy is whole, with the names that it lists. */
const MAX_LENGTH = 600;

/** Quotes text, cuts it, and escapes all but printable ASCII, so that no value can forge a line or a field. */
function quote(text: string): string {
  if (/^[\w.:/-]+$/.test(text) && text.length <= MAX_LENGTH) return text;
  return JSON.stringify(text.slice(0, MAX_LENGTH)).replaceAll(/[^\x20-\x7e]/g, escapeUnit);
}

/** A unit of UTF-16 as JSON can spell it. */
export function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
