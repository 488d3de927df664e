/** Whether a path is another one, or stands below it. */
export function isAtOrBelow(path: string, other: string): boolean {
  return `${path}/`.startsWith(`${other}/`);
}
