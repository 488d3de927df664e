import { headerOf, type HttpResponse, keepFromCaches, listOf } from './refuse.js';

/**
 * Answers a request that came by a session. Caches take no heed of cookies, as they do of `Authorization`: without a word of
 * the handler, they keep no such answer, and one with a cookie never.
 * @param cookie the `Set-Cookie` that it is to have; `undefined` for none
 */
export function answerSession(response: HttpResponse, cookie: string | undefined): void {
  const raw = 'raw' in response ? response.raw : response;
  if (raw.headersSent) return;
  varyByCookie(response);
  if (cookie !== undefined) putCookie(response, cookie);
  else if (!raw.hasHeader('cache-control')) raw.setHeader('Cache-Control', 'no-store');
}

/** Sets a cookie in the place of what has been set by its name. */
export function putCookie(response: HttpResponse, cookie: string): void {
  const raw = 'raw' in response ? response.raw : response;
  if (raw.headersSent) return;
  const start = cookie.slice(0, cookie.indexOf('=') + 1);
  const sent = [raw, response].flatMap((each) => listOf(each.getHeader('set-cookie')));
  const cookies = [...new Set(sent.filter((other) => !other.startsWith(start))), cookie];
  raw.setHeader('Set-Cookie', cookies);
  if ('raw' in response) {
    // To its own list of cookies Fastify only adds.
    response.removeHeader('set-cookie');
    response.header('Set-Cookie', cookies);
  }
  keepFromCaches(raw);
}

function varyByCookie(response: HttpResponse): void {
  const names = listOf(headerOf(response, 'vary')).flatMap((value) => value.split(','));
  if (names.some((name) => name.trim().toLowerCase() === 'cookie')) return;
  const vary = [...names.map((name) => name.trim()), 'Cookie'].join(', ');
  if ('raw' in response) response.header('Vary', vary);
  else response.setHeader('Vary', vary);
}
