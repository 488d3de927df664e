/** A media type in lower case, without the `application/` prefix. */
export function normalizeType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '');
}
