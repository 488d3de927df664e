import type { HostileRequest } from '../../request.js';
import { PUBLIC_URL } from '../../hostile-kit.js';
import { ACCEPTED, claimRows, INVALID_PROOF, requestRows } from './dpop-row.js';
import type { Expectation, HostileRow } from '../../hostile-row.js';

const HOST = new URL(PUBLIC_URL).host;

/** A request, and what the proof says its URL is. */
interface Targeted extends Partial<HostileRequest> {
  readonly htu: unknown;
}

/** Rows of requests, GET /main unless told otherwise, that differ in `htu`. */
function targetRows(
  id: string,
  expect: Expectation,
  values: Readonly<Record<string, Targeted | string>>,
): readonly HostileRow[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const { htu, ...request } = typeof value === 'string' ? { htu: value } : value;
    return requestRows(id, expect, {
      [`htu ${name}`]: (kit) => kit.dpop(kit.jwt(), request, { claims: { htu } }),
    });
  });
}

/** A request for this path, with an `htu` of another. */
function paths(path: string, other: string): Targeted {
  return { path, htu: `${PUBLIC_URL}${other}` };
}

/** RFC 9449 §4.3, 9: any query and fragment parts are ignored. */
const ignored: readonly HostileRow[] = targetRows('RFC9449-1', ACCEPTED, {
  'without the query of the request': { query: 'page=2', htu: `${PUBLIC_URL}/main` },
  'with the query of the request': { query: 'page=2', htu: `${PUBLIC_URL}/main?page=2` },
  'with another query than the request': { query: 'page=2', htu: `${PUBLIC_URL}/main?page=3` },
  'with a query that the request does not have': `${PUBLIC_URL}/main?page=3`,
  'with an empty query': `${PUBLIC_URL}/main?`,
  'with an empty fragment': `${PUBLIC_URL}/main#`,
  'with a fragment': `${PUBLIC_URL}/main#top`,
  'with a query and a fragment': `${PUBLIC_URL}/main?page=2#top`,
  'without a query that looks like a path': { query: 'x=/../public', htu: `${PUBLIC_URL}/main` },
  'without a query of question marks': { query: '?a?b=c', htu: `${PUBLIC_URL}/main` },
  // RFC 9112 §3.2.2: a server must accept it.
  'of a request in absolute form': { path: `${PUBLIC_URL}/main`, htu: `${PUBLIC_URL}/main` },
});

/** RFC 3986 §6.2.2 and §6.2.3: other spellings of the same URL. */
const spellings: readonly HostileRow[] = targetRows('RFC9449-2', ACCEPTED, {
  'with the scheme in upper case': `HTTPS://${HOST}/main`,
  'with the host in upper case': `https://${HOST.toUpperCase()}/main`,
  'with scheme and host in mixed case': `HttpS://Pay.Example.COM/main`,
  'with the default port': `https://${HOST}:443/main`,
  'with an empty port': `https://${HOST}:/main`,
  'with a letter percent-encoded': `${PUBLIC_URL}/%6Dain`,
  'with every letter percent-encoded': `${PUBLIC_URL}/%6d%61%69%6e`,
  'with a dot segment': `${PUBLIC_URL}/./main`,
  'with two dots': `${PUBLIC_URL}/public/../main`,
  'with two dots above the root': `${PUBLIC_URL}/../../main`,
  'with two dots above the root, 700 times': `${PUBLIC_URL}/${'../'.repeat(700)}main`,
  'with two dots, percent-encoded': `${PUBLIC_URL}/public/%2e%2E/main`,
  'with an empty path, of the root': { path: '/', htu: PUBLIC_URL },
  'with a slash, of the root': { path: '/', htu: `${PUBLIC_URL}/` },
  'with an empty path and a query, of the root': { path: '/', htu: `${PUBLIC_URL}?page=2` },
  'of a path with a space': paths('/items/a%20b', '/items/a%20b'),
  'of a path with %C3%A4, in lower case': paths('/items/%C3%A4', '/items/%c3%a4'),
  'of a path with %c3%a4, in upper case': paths('/items/%c3%a4', '/items/%C3%A4'),
  'of a path with a letter percent-encoded, plainly': paths('/items/%61', '/items/a'),
  'of a path with a tilde, percent-encoded': paths('/items/~x', '/items/%7Ex'),
  'of a path with a slash percent-encoded': paths('/items/a%2Fb', '/items/a%2Fb'),
  'of a path with a slash percent-encoded, in lower case': paths('/items/a%2Fb', '/items/a%2fb'),
  'of a path with a percent sign': paths('/items/100%25', '/items/100%25'),
  'of a path with sub-delimiters': paths("/items/a!$&'()*+,;=:@b", "/items/a!$&'()*+,;=:@b"),
});

/** The same to a lenient eye, and another URL by RFC 3986. */
const others: readonly HostileRow[] = targetRows('RFC9449-2', INVALID_PROOF, {
  'with the path in upper case': `${PUBLIC_URL}/MAIN`,
  'with a capital in the path': `${PUBLIC_URL}/Main`,
  'with a slash behind': `${PUBLIC_URL}/main/`,
  'with two slashes before the path': `${PUBLIC_URL}//main`,
  'with a segment before': `${PUBLIC_URL}/v1/main`,
  'with a segment behind': `${PUBLIC_URL}/main/1`,
  'with the beginning of the path': `${PUBLIC_URL}/mai`,
  'with a longer path': `${PUBLIC_URL}/mainframe`,
  'with a parameter behind the path': `${PUBLIC_URL}/main;v=1`,
  'of the root': `${PUBLIC_URL}/`,
  'of the origin alone': PUBLIC_URL,
  'of another path': `${PUBLIC_URL}/both`,
  'with the question mark percent-encoded': `${PUBLIC_URL}/main%3Fpage=2`,
  'with a percent sign too much': `${PUBLIC_URL}/main%`,
  'with a percent sign that encodes nothing': `${PUBLIC_URL}/%zzmain`,
  'with a NUL percent-encoded behind': `${PUBLIC_URL}/main%00`,
  'with letters percent-encoded twice': `${PUBLIC_URL}/%256Dain`,
  'of a path with a slash percent-encoded, plainly': paths('/items/a%2Fb', '/items/a/b'),
  'of a path with a plus, percent-encoded': paths('/items/a+b', '/items/a%2Bb'),
  'of a path with a plus, as a space': paths('/items/a+b', '/items/a%20b'),
  'of a path with a semicolon percent-encoded, plainly': paths('/items/a%3Bb', '/items/a;b'),
  'of a path that is percent-encoded twice, once': paths('/items/%2561', '/items/%61'),
  'of a path that is percent-encoded once, twice': paths('/items/%61', '/items/%2561'),
  'of a path that differs in case only': paths('/items/Abc', '/items/abc'),
  'of a path whose two dots are no segment': paths('/items/..main', '/items/main'),
});

/** Where the request is said to have gone: all but one of these is not here. */
const origins: readonly HostileRow[] = targetRows('RFC9449-2', INVALID_PROOF, {
  'of plain http': `http://${HOST}/main`,
  'of http on the port of https': `http://${HOST}:443/main`,
  'of wss': `wss://${HOST}/main`,
  'of a scheme that begins with https': `httpsx://${HOST}/main`,
  'of another port': `https://${HOST}:8443/main`,
  'of the port of http': `https://${HOST}:80/main`,
  'of a port beyond all': `https://${HOST}:99999/main`,
  'of a port that is no number': `https://${HOST}:x/main`,
  'of another host': 'https://evil.example/main',
  'of the host as its own subdomain': `https://www.${HOST}/main`,
  'of the parent domain': 'https://example.com/main',
  'of a host that begins as ours': `https://${HOST}.evil.example/main`,
  'of a host that ends as ours': `https://evil${HOST}/main`,
  'of our host with a dot behind': `https://${HOST}./main`,
  'of our host in full-width letters': 'https://\uff50\uff41\uff59.example.com/main',
  'of our host with a soft hyphen': 'https://p\u00aday.example.com/main',
  'of our host as its user': `https://${HOST}@evil.example/main`,
  'with a user': `https://user@${HOST}/main`,
  'with a user and a password': `https://user:secret@${HOST}/main`,
  'with an empty user': `https://@${HOST}/main`,
  'of our host in the fragment': `https://evil.example#@${HOST}/main`,
  'of our host in the query': `https://evil.example?@${HOST}/main`,
  'of our whole URL as a path': `https://evil.example/${PUBLIC_URL}/main`,
  'of our host behind a backslash': `https://evil.example\\@${HOST}/main`,
  'of localhost': 'https://localhost/main',
  'of the address': 'https://127.0.0.1/main',
  'of the audience': 'https://api.example.com/main',
});

/** Requests whose own target parsers read differently: no proof is for them, whatever it names. */
const readDifferently: readonly HostileRow[] = targetRows('RFC9449-2', INVALID_PROOF, {
  'of a target with a backslash, percent-encoded': paths('/items/a\\b', '/items/a%5Cb'),
  'of a target with a fragment, without it': paths('/items/a#b', '/items/a'),
  'of a target with a fragment in the query, without both': paths('/items/a?b#c', '/items/a'),
});

/** What is no absolute URL, and what some parsers would make one of. */
const malformed: readonly HostileRow[] = [
  ...claimRows('RFC9449-1', 'htu', INVALID_PROOF, {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    'a number': () => 1,
    true: () => true,
    'an array of the right one': () => [`${PUBLIC_URL}/main`],
    'an object': () => ({ href: `${PUBLIC_URL}/main` }),
  }),
  ...targetRows('RFC9449-2', INVALID_PROOF, {
    'of the path alone': '/main',
    'without a scheme': `//${HOST}/main`,
    'of the host and the path alone': `${HOST}/main`,
    'without slashes': `https:${HOST}/main`,
    'with one slash': `https:/${HOST}/main`,
    'with three slashes': `https:///${HOST}/main`,
    'with backslashes': `https:\\\\${HOST}\\main`,
    'with a backslash before the path': `https://${HOST}\\main`,
    'with a backslash for a dot segment': `${PUBLIC_URL}/public\\..\\..\\main`,
    'with a tab within the host': `https://pay.exa\tmple.com/main`,
    'with a line end within the path': `${PUBLIC_URL}/ma\nin`,
    'with a line end within the scheme': `ht\ntps://${HOST}/main`,
    'with a space before': ` ${PUBLIC_URL}/main`,
    'with a space behind': `${PUBLIC_URL}/main `,
    'with a line end behind': `${PUBLIC_URL}/main\n`,
    'with a NUL behind': `${PUBLIC_URL}/main\0`,
    'with a line end and a header of its own': `${PUBLIC_URL}/main\r\nX-Injected: 1`,
    'in angle brackets': `<${PUBLIC_URL}/main>`,
    'of two URLs, by a space': `${PUBLIC_URL}/main ${PUBLIC_URL}/main`,
    'of two URLs, by a comma': `${PUBLIC_URL}/main,https://evil.example/main`,
    'of a pattern': `${PUBLIC_URL}/*`,
    'of the scheme alone': 'https://',
    'of a path with a space, written plainly': { path: '/items/a%20b', htu: `${PUBLIC_URL}/items/a b` },
    'of data': 'data:text/plain,main',
    'of a bracket that is never closed': 'https://[::1/main',
    'of 2,000 characters more': `${PUBLIC_URL}/main${'x'.repeat(2000)}`,
  }),
];

const EVIL = 'https://evil.example';

/** The caller says under which name it came: that proves nothing (RFC 9449 §11.1 and our `publicUrl`). */
const hostHeaders: readonly HostileRow[] = [
  ...targetRows('RFC9449-2', INVALID_PROOF, {
    'of the Host header': { host: 'evil.example', htu: `${EVIL}/main` },
    'of the Host header, with a port': { host: 'evil.example:8443', htu: `${EVIL}:8443/main` },
    'of X-Forwarded-Host': { headers: ['X-Forwarded-Host', 'evil.example'], htu: `${EVIL}/main` },
    'of X-Forwarded-Host and -Proto': {
      headers: ['X-Forwarded-Host', 'evil.example', 'X-Forwarded-Proto', 'https'],
      htu: `${EVIL}/main`,
    },
    'of X-Forwarded-Proto': { headers: ['X-Forwarded-Proto', 'http'], htu: `http://${HOST}/main` },
    'of X-Forwarded-Port': { headers: ['X-Forwarded-Port', '8443'], htu: `${PUBLIC_URL}:8443/main` },
    'of Forwarded': { headers: ['Forwarded', 'host=evil.example;proto=https'], htu: `${EVIL}/main` },
    'of X-Forwarded-Prefix': { headers: ['X-Forwarded-Prefix', '/v1'], htu: `${PUBLIC_URL}/v1/main` },
    'of X-Original-URL': { headers: ['X-Original-URL', '/both'], htu: `${PUBLIC_URL}/both` },
    'of X-Rewrite-URL': { headers: ['X-Rewrite-URL', '/both'], htu: `${PUBLIC_URL}/both` },
    'of X-Forwarded-Uri': { headers: ['X-Forwarded-Uri', '/both'], htu: `${PUBLIC_URL}/both` },
    'of Origin and Referer': {
      headers: ['Origin', EVIL, 'Referer', `${EVIL}/main`],
      htu: `${EVIL}/main`,
    },
    'of a request in absolute form, for another host': { path: `${EVIL}/main`, htu: `${EVIL}/main` },
    'of a request in absolute form, by http': { path: `http://${HOST}/main`, htu: `http://${HOST}/main` },
  }),
  ...targetRows('RFC9449-2', ACCEPTED, {
    'right, another Host header': { host: 'evil.example', htu: `${PUBLIC_URL}/main` },
    'right, another X-Forwarded-Host': {
      headers: ['X-Forwarded-Host', 'evil.example', 'X-Forwarded-Proto', 'http'],
      htu: `${PUBLIC_URL}/main`,
    },
    'right, another X-Original-URL': { headers: ['X-Original-URL', '/both'], htu: `${PUBLIC_URL}/main` },
  }),
];

/** For which URL a proof is. */
export const TARGET_ROWS = [
  ...ignored,
  ...spellings,
  ...others,
  ...origins,
  ...readDifferently,
  ...malformed,
  ...hostHeaders,
];
