/**
 * The subject alternative names of a certificate, one by one: Node separates them by a comma, and writes one that holds a
 * comma as a JSON string without it (CVE-2021-44532).
 */
export function splitNames(names: string | undefined): readonly string[] {
  return names?.split(', ') ?? [];
}
