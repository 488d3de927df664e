/** A reply of Redis: text, or an error. Others are not asked for. */
export type RedisReply =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'error'; readonly message: string };

/**
 * The replies that have come whole, in their order.
 * @throws Error for what no Redis says
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export function repliesIn(bytes: Buffer): readonly RedisReply[] {
  const replies: RedisReply[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return replies;
    const line = bytes.toString('utf8', at + 1, lineEnd);
    switch (bytes.toString('latin1', at, at + 1)) {
      case '+':
        replies.push({ kind: 'text', text: line });
        at = lineEnd + 2;
        break;
      case '-':
        replies.push({ kind: 'error', message: line });
        at = lineEnd + 2;
        break;
      case '$': {
        const start = lineEnd + 2;
        const end = start + Number(line);
        if (!(end >= start)) throw new Error('it does not speak the protocol of Redis');
        if (bytes.length < end + 2) return replies;
        replies.push({ kind: 'text', text: bytes.toString('utf8', start, end) });
        at = end + 2;
        break;
      }
      default:
        throw new Error('it does not speak the protocol of Redis');
    }
  }
}

/** A command as Redis reads one. */
export function command(...parts: readonly string[]): string {
  return [`*${parts.length}`, ...parts.flatMap((part) => [`$${Buffer.byteLength(part)}`, part]), ''].join(
    '\r\n',
  );
}
