/** A parsed JSON object: what an authorization server said, before it is believed. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses text that must be a JSON object; `undefined` for anything else. */
export function parseJsonObject(text: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What is no JSON is no object.
  }
  return isJsonObject(value) ? value : undefined;
}

/** Whether a value is a JSON object: neither an array nor `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const DEEPEST = 64;

/**
 * Copies what has been parsed from JSON.
 * @throws RangeError where it is nested more than 64 levels deep
 */
export function copyOfJson(object: JsonObject, level = 1): Record<string, unknown> {
  if (level > DEEPEST) throw new RangeError(`nested more than ${DEEPEST} levels deep`);
  const copy: Record<string, unknown> = { ...object };
  for (const [name, value] of Object.entries(copy)) {
    if (typeof value !== 'object' || value === null) continue;
    // Assigned, a member of this name would become the prototype.
    if (name === '__proto__') defineMember(copy, name, copyOfValue(value, level));
    else copy[name] = copyOfValue(value, level);
  }
  return copy;
}

function copyOfValue(value: unknown, level: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return copyOfJson(value as JsonObject, level + 1);
  if (level + 1 > DEEPEST) throw new RangeError(`nested more than ${DEEPEST} levels deep`);
  return value.map((member) => copyOfValue(member, level + 1));
}

function defineMember(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}
