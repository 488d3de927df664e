/** A distinguished name on one line: Node has one attribute a line, and `undefined`, against its type, for an empty name. */
export function onOneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}
