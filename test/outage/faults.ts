import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { gzipSync } from 'node:zlib';

/** One way to fail, and what the log must say about it. */
export type Fault = { readonly name: string; readonly log: RegExp } & (
  | { readonly at: 'nowhere' }
  | { readonly at: 'kept connection' }
  | { readonly at: 'connection'; readonly act: (socket: Socket) => void }
  | { readonly at: 'certificate'; readonly certificate: 'unknownCa' | 'wrongName' | 'expired' }
  | { readonly at: 'answer'; readonly act: (socket: Duplex, connection: Socket) => void }
);

const UNREACHABLE = 'reason=authorization_server_unreachable.*';
// Either our own limit ended the call, or the limit of connecting.
const TIMEOUT = new RegExp(`${UNREACHABLE}(Connect)?TimeoutError`);
/** Whether only the time limit of a call ends this fault. */
export const isEndless = ({ log }: Fault): boolean => log === TIMEOUT;
const INVALID = /reason=authorization_server_answer_invalid/;
/** The log names the status, because it depends on the reader of an answer whether nonsense counts as an outage. */
const STATUS = (status: number): RegExp => new RegExp(`status ${status}`);
const failed = (what: string): RegExp => new RegExp(UNREACHABLE + what);

const head = (...lines: readonly string[]): string => [...lines, '', ''].join('\r\n');
const OK = 'HTTP/1.1 200 OK';
const JSON_TYPE = 'content-type: application/json';
const CHUNKED = 'transfer-encoding: chunked';
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

/** Writes until the other side closes the connection. */
function forEver(socket: Duplex, piece: string): void {
  const more = (): void => {
    while (socket.writable && socket.write(piece));
  };
  socket.on('drain', more);
  more();
}

/** Writes one character after the other, for longer than anybody should wait. */
function drip(socket: Duplex, text: string, every = 20): void {
  let at = 0;
  const timer = setInterval(() => void socket.write(text.charAt(at++ % text.length)), every);
  socket.on('close', () => clearInterval(timer));
}

/** Answers with this text, and keeps the connection. */
const answer = (name: string, log: RegExp, text: string): Fault => ({
  name,
  log,
  at: 'answer',
  act: (socket) => void socket.write(text, 'latin1'),
});

/** Answers with this text, and closes the connection. */
const cutOff = (name: string, log: RegExp, text: string): Fault => ({
  name,
  log,
  at: 'answer',
  act: (socket) => void socket.end(text),
});

const body = (status: string, type: string, text: string | Buffer, ...more: readonly string[]): string =>
  head(`HTTP/1.1 ${status}`, `content-type: ${type}`, `content-length: ${text.length}`, ...more) +
  text.toString('latin1');

const HTML = '<!doctype html><html><body>Sign in</body></html>';

const NO_CONNECTION: readonly Fault[] = [
  { name: 'refuses connections', log: failed('ECONNREFUSED'), at: 'nowhere' },
  {
    name: 'accepts connections and says nothing',
    log: TIMEOUT,
    at: 'connection',
    act: (socket) => void socket.resume(),
  },
  {
    name: 'resets connections',
    log: failed('ECONNRESET|socket disconnected'),
    at: 'connection',
    act: (socket) => socket.resetAndDestroy(),
  },
  {
    name: 'closes connections',
    log: failed('socket disconnected'),
    at: 'connection',
    act: (socket) => void socket.end(),
  },
  {
    name: 'speaks plain HTTP',
    log: failed('(wrong version number|packet length too long|SSL)'),
    at: 'connection',
    act: (socket) => void socket.end(body('200 OK', 'application/json', '{}')),
  },
  {
    name: 'has a certificate of an unknown CA',
    log: failed('self-signed certificate in certificate chain|unable to verify|unable to get'),
    at: 'certificate',
    certificate: 'unknownCa',
  },
  {
    name: 'has a certificate of another name',
    log: failed('does not match certificate'),
    at: 'certificate',
    certificate: 'wrongName',
  },
  {
    name: 'has an expired certificate',
    log: failed('certificate has expired'),
    at: 'certificate',
    certificate: 'expired',
  },
];

const NO_ANSWER: readonly Fault[] = [
  { name: 'reads requests and says nothing', log: TIMEOUT, at: 'answer', act: () => undefined },
  {
    name: 'resets the connection instead of an answer',
    log: failed('(ECONNRESET|other side closed)'),
    at: 'answer',
    act: (_socket, connection) => connection.resetAndDestroy(),
  },
  {
    name: 'closes the connection instead of an answer',
    log: failed('other side closed'),
    at: 'answer',
    act: (socket) => void socket.end(),
  },
  {
    name: 'drips its headers',
    log: TIMEOUT,
    at: 'answer',
    act: (socket) => drip(socket, `${OK}\r\nx-padding: ${'x'.repeat(1000)}`),
  },
  {
    name: 'drips its body',
    log: TIMEOUT,
    at: 'answer',
    act: (socket) => {
      socket.write(head(OK, JSON_TYPE, 'content-length: 1000'));
      drip(socket, ' ');
    },
  },
  cutOff(
    'ends in the midst of its headers',
    failed('other side closed'),
    `${OK}\r\ncontent-type: application/js`,
  ),
  cutOff(
    'ends in the midst of its body',
    failed('(other side closed|ended)'),
    head(OK, JSON_TYPE, 'content-length: 1000') + '{"keys":[],"active":true}',
  ),
  cutOff(
    'ends in the midst of its chunks',
    failed('(other side closed|ended)'),
    head(OK, JSON_TYPE, CHUNKED) + chunk('{"keys":[],"active":true}'),
  ),
  {
    name: 'resets the connection behind its headers',
    log: failed('(ECONNRESET|other side closed)'),
    at: 'answer',
    act: (socket, connection) =>
      void socket.write(head(OK, JSON_TYPE, 'content-length: 1000'), () => connection.resetAndDestroy()),
  },
];

const TOO_MUCH: readonly Fault[] = [
  {
    name: 'answers without end',
    log: failed('ResponseExceededMaxSizeError'),
    at: 'answer',
    act: (socket) => {
      socket.write(head(OK, JSON_TYPE, CHUNKED));
      forEver(socket, chunk(' '.repeat(10_000)));
    },
  },
  {
    name: 'announces a gigantic answer and sends it',
    log: failed('ResponseExceededMaxSizeError'),
    at: 'answer',
    act: (socket) => {
      socket.write(head(OK, JSON_TYPE, 'content-length: 100000000000'));
      forEver(socket, ' '.repeat(10_000));
    },
  },
  {
    name: 'has a gigantic header',
    log: failed('HeadersOverflowError'),
    at: 'answer',
    act: (socket) => {
      socket.write(`${OK}\r\nx-padding: `);
      forEver(socket, 'x'.repeat(1000));
    },
  },
  {
    name: 'has headers without end',
    log: failed('HeadersOverflowError'),
    at: 'answer',
    act: (socket) => {
      socket.write(`${OK}\r\n`);
      forEver(socket, 'x-padding: x\r\n'.repeat(50));
    },
  },
  {
    name: 'has trailers without end',
    log: failed('(HeadersOverflowError|HTTPParserError)'),
    at: 'answer',
    act: (socket) => {
      socket.write(head(OK, JSON_TYPE, CHUNKED) + chunk('{}') + '0\r\n');
      forEver(socket, 'x-padding: x\r\n'.repeat(50));
    },
  },
  {
    name: 'has interim answers without end',
    log: TIMEOUT,
    at: 'answer',
    act: (socket) => drip(socket, head('HTTP/1.1 103 Early Hints', 'link: </x>'), 1),
  },
];

const NONSENSE: readonly Fault[] = [
  answer('speaks another protocol', failed('HTTPParserError'), '220 mail.example.com ESMTP ready\r\n'),
  answer(
    'switches protocols, unasked',
    failed('SocketError'),
    head('HTTP/1.1 101 Switching Protocols', 'connection: upgrade', 'upgrade: websocket'),
  ),
  answer('answers with HTML', INVALID, body('200 OK', 'text/html', HTML)),
  answer('answers with an image', INVALID, body('200 OK', 'image/png', '\x89PNG\r\n\x1A\n')),
  answer('answers with nothing', INVALID, body('200 OK', 'application/json', '')),
  answer(
    'answers in a coding that nobody asked for',
    INVALID,
    body(
      '200 OK',
      'application/json',
      gzipSync('{"keys":[],"active":true}').toString('latin1'),
      'content-encoding: zstd',
    ),
  ),
  answer('answers with an array', INVALID, body('200 OK', 'application/json', '[]')),
  answer('answers 204', STATUS(204), head('HTTP/1.1 204 No Content')),
  answer('answers 404', STATUS(404), body('404 Not Found', 'text/html', HTML)),
  answer('answers 429', STATUS(429), body('429 Too Many Requests', 'text/plain', 'slow down')),
  answer(
    'answers 500',
    STATUS(500),
    body('500 Internal Server Error', 'application/json', '{"active":true}'),
  ),
  answer('answers 502 with HTML', STATUS(502), body('502 Bad Gateway', 'text/html', HTML)),
  answer('redirects', STATUS(302), body('302 Found', 'text/html', '', 'location: /again')),
  answer(
    'redirects with its method kept',
    STATUS(307),
    body('307 Temporary Redirect', 'text/html', '', 'location: /again'),
  ),
];

/** Answers only the first request on each connection: a second one finds the connection closed. */
export const CLOSES_KEPT_CONNECTIONS: Fault = {
  name: 'closes the connections that we keep',
  log: failed('other side closed'),
  at: 'kept connection',
};

/** Every way to fail that gives no answer. */
export const FAULTS: readonly Fault[] = [...NO_CONNECTION, ...NO_ANSWER, ...TOO_MUCH, ...NONSENSE];
