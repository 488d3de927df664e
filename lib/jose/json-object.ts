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

/** Whether a member says no more than one that is missing: it is `null`, an empty text or an empty list. */
export function isAbsentMember(value: unknown): boolean {
  return (
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

const DEEPEST = 64;

/** Whether a parsed value is nested no more than 64 levels deep: no more can be copied without fear for the stack. */
export function isShallow(value: unknown, levels = DEEPEST): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}

/** Copies what has been parsed from JSON, and is shallow. */
export function copyOfJson(object: JsonObject): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...object };
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    // Its own already, even by the name `__proto__`: so what is assigned becomes no prototype.
    // Stryker disable next-line ConditionalExpression: anything else is its own copy, to skip it spares work
    if (typeof value === 'object') copy[name] = copyOfValue(value);
  }
  return copy;
}

function copyOfValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((member) => copyOfValue(member));
  return isJsonObject(value) ? copyOfJson(value) : value;
}
