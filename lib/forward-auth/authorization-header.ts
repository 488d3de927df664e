/** Whether a header is the one that usually has the token (RFC 9110 §11.6.2). */
export function isAuthorization(header: string): boolean {
  return header.toLowerCase() === 'authorization';
}
