/** Text of its own: V8 makes a part of a string a view that keeps the whole of it in memory. */
export function copyOfText(text: string): string {
  return Buffer.from(text).toString();
}
