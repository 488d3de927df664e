/** A media type in lower case, without the `application/` prefix, which may be left out (RFC 7515 §4.1.9). */
export function normalizeType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '');
}
