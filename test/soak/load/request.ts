/** A request as the bytes that go over the wire. */
export function requestOf(path: string, ...headers: readonly string[]): Buffer {
  return Buffer.from([`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n'));
}

/** One with a token by the scheme Bearer. */
export function bearerRequest(path: string, token: string): Buffer {
  return requestOf(path, `Authorization: Bearer ${token}`);
}
