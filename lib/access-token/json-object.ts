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
