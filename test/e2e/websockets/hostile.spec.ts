import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { CertBoundAuthModule, Public } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { PLATFORMS } from '../../support/platforms.js';
import {
  type Carrier,
  connectBy,
  connected,
  handshakeLines,
  portOf,
  sendRaw,
  startGateways,
} from '../../support/websockets.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';
import { ChatGateway, ran } from './chat.gateway.js';

const world = await createWorld();

beforeEach(() => {
  ran.length = 0;
});

@WebSocketGateway({ path: '/open' })
@Public()
class OpenGateway {
  handleConnection(): void {
    ran.push('open connection');
  }
  @SubscribeMessage('echo') echo(): void {
    ran.push('open echo');
  }
}

interface Started {
  readonly as: TestAuthorizationServer;
  readonly port: number;
}

async function start(platform: (typeof PLATFORMS)[number], carrier: Carrier): Promise<Started> {
  const as = await startAuthorizationServer(world);
  const auth = CertBoundAuthModule.forRoot(as.moduleOptions);
  const app = await startGateways(world, platform, carrier, auth, [ChatGateway, OpenGateway]);
  return { as, port: portOf(app) };
}

/** A text frame, masked as those of clients are. */
const FRAME = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]).toString('latin1');

describe.each(PLATFORMS)('INV12: hostile handshakes of WebSocket on %s', (platform) => {
  test('WS-1: a request that does not carry one token in one Authorization header is refused', async () => {
    const { as, port } = await start(platform, 'ws');
    const token = await as.accessToken({ certificate: world.client1 });
    const lines = handshakeLines('/chat', { token });
    for (const [what, sent, status] of [
      ['two Authorization headers', [...lines, `Authorization: Bearer ${token}`], 400],
      ['two in one', handshakeLines('/chat', { Authorization: `Bearer ${token}, Bearer ${token}` }), 400],
      ['in the query', handshakeLines(`/chat?access_token=${token}`), 401],
      ['in header and query', handshakeLines(`/chat?access_token=${token}`, { token }), 400],
      ['as a subprotocol', handshakeLines('/chat', { 'Sec-WebSocket-Protocol': `bearer, ${token}` }), 401],
      ['by Basic', handshakeLines('/chat', { Authorization: 'Basic YTpi' }), 401],
      ['in a cookie', handshakeLines('/chat', { Cookie: `access_token=${token}` }), 401],
      ['by another scheme of upgrade', handshakeLines('/chat', { Upgrade: 'foo' }), 401],
      ['by POST', handshakeLines('/chat').with(0, 'POST /chat HTTP/1.1'), 401],
    ] as const) {
      const { text, statuses } = await sendRaw(world, port, sent, { certificate: world.client1 });
      expect(statuses, what).toEqual([status]);
      expect(text, what).toMatch(/^www-authenticate: Bearer/im);
      expect(text, what).toMatch(/^connection: close/im);
      expect(text, what).not.toContain(token);
    }
    expect(ran).toEqual([]);
  });

  test.each([
    '//chat',
    '/chat/',
    '/CHAT',
    '/chat?x',
    '/chat#/open',
    '/chat?/open',
    '/%63hat',
    '/./chat',
    '/open/../chat',
    '/open/%2e%2e/chat',
    '/open\\..\\chat',
    '/open;/../chat',
    '//localhost/chat',
    'https://localhost/chat',
    'http://evil.example/open',
    '/nobody',
    '*',
  ])('nothing is opened without a token by the spelling %s of a path', async (target) => {
    const { port } = await start(platform, 'ws');
    const { statuses } = await sendRaw(world, port, handshakeLines(target), { certificate: world.client1 });
    expect(statuses).toEqual([401]);
    expect(ran).toEqual([]);
  });

  test('a valid token opens what is there, by the spellings that the adapter takes', async () => {
    const { as, port } = await start(platform, 'ws');
    const token = await as.accessToken({ certificate: world.client1 });
    for (const [target, statuses] of [
      ['/chat?x', [101]],
      ['/chat/', []],
      ['/nobody', []],
    ] as const)
      expect(
        (await sendRaw(world, port, handshakeLines(target, { token }), { certificate: world.client1 }))
          .statuses,
        target,
      ).toEqual(statuses);
    const foo = handshakeLines('/chat', { token, Upgrade: 'foo' });
    expect((await sendRaw(world, port, foo, { certificate: world.client1 })).statuses).toEqual([400]);
    expect(ran).toEqual(['connection']);
  });

  test('what is sent right behind a handshake is lost with a refused one, and comes through with an accepted one', async () => {
    const { as, port } = await start(platform, 'ws');
    const second = `GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    for (const behind of [second, FRAME, `${handshakeLines('/open').join('\r\n')}\r\n\r\n`]) {
      const { statuses, text } = await sendRaw(world, port, handshakeLines('/chat'), { behind });
      expect(statuses).toEqual([401]);
      expect(text.trimEnd().endsWith('}')).toBe(true);
    }
    expect(ran).toEqual([]);
    // The token is not known yet, so that the decision has to be waited for.
    const token = await as.accessToken({ certificate: world.client1 });
    const data = JSON.stringify({ event: 'echo', data: 'early' });
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | data.length, 0, 0, 0, 0]), Buffer.from(data)]);
    const { text } = await sendRaw(world, port, handshakeLines('/chat', { token }), {
      certificate: world.client1,
      behind: frame.toString('latin1'),
    });
    expect(text).toContain('"data":"early"');
  });

  test('@Public() on the class of a gateway opens its handshake and its messages, and no other', async () => {
    const { port } = await start(platform, 'ws');
    const { statuses } = await sendRaw(world, port, handshakeLines('/open'));
    expect(statuses).toEqual([101]);
    expect(ran).toEqual(['open connection']);
  });

  test('a client that hangs up while it is decided about does no harm', async () => {
    const { as, port } = await start(platform, 'ws');
    const token = await as.accessToken({ certificate: world.client1 });
    const slow = connectBy('ws', world, { port, token, certificate: world.client1 });
    const gone = sendRaw(world, port, handshakeLines('/chat', { token: `${token}x` }));
    await connected(slow);
    expect((await gone).statuses).toEqual([401]);
  });
});

describe.each(PLATFORMS)('INV12: hostile requests of socket.io on %s', (platform) => {
  const polling = (query: string, headers: Readonly<Record<string, string>> = {}): readonly string[] => [
    `GET /chat/?EIO=4&transport=polling${query} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];

  test("every request of polling is decided about, and a session is its own client's", async () => {
    const { as, port } = await start(platform, 'polling');
    const token = await as.accessToken({ certificate: world.client1 });
    const thiefs = await as.accessToken({ certificate: world.client2, subject: 'thief' });
    const bearer = { Authorization: `Bearer ${token}` };
    const begun = await sendRaw(world, port, polling('', bearer), { certificate: world.client1 });
    expect(begun.statuses).toEqual([200]);
    const sid = /"sid":"([^"]+)"/.exec(begun.text)?.[1] ?? '';
    expect(sid).not.toBe('');
    for (const [what, lines, certificate, status] of [
      ['no token', polling(`&sid=${sid}`), world.client1, 401],
      ['no token for a new session', polling(''), world.client1, 401],
      ['the token without its certificate', polling(`&sid=${sid}`, bearer), world.client2, 401],
      [
        'a token of the thief',
        polling(`&sid=${sid}`, { Authorization: `Bearer ${thiefs}` }),
        world.client2,
        400,
      ],
      ['a session of two', polling(`&sid=${sid}&sid=${sid}`, bearer), world.client1, 400],
      ['the script for browsers', ['GET /chat/socket.io.js HTTP/1.1', 'Host: localhost'], world.client1, 401],
      [
        'an upgrade of the session by the thief',
        handshakeLines(`/chat/?EIO=4&transport=websocket&sid=${sid}`, { token: thiefs }),
        world.client2,
        400,
      ],
      [
        'an upgrade of the session without a token',
        handshakeLines(`/chat/?EIO=4&transport=websocket&sid=${sid}`),
        world.client1,
        401,
      ],
    ] as const)
      expect((await sendRaw(world, port, lines, { certificate })).statuses, what).toEqual([status]);
    // Its own client goes on.
    const own = await sendRaw(
      world,
      port,
      handshakeLines(`/chat/?EIO=4&transport=websocket&sid=${sid}`, { token }),
      { certificate: world.client1 },
    );
    expect(own.statuses).toEqual([101]);
    expect(ran).toEqual([]);
  });

  test('a preflight of a browser is answered, and opens nothing, and no other OPTIONS is', async () => {
    const { port } = await start(platform, 'polling');
    const origin = { Origin: 'https://app.example.com' };
    const preflight = polling('', { ...origin, 'Access-Control-Request-Method': 'GET' });
    const options = (lines: readonly string[]): readonly string[] => [
      lines[0]?.replace('GET', 'OPTIONS') ?? '',
      ...lines.slice(1),
    ];
    const { statuses, text } = await sendRaw(world, port, options(preflight));
    // Without the option cors, engine.io knows no OPTIONS.
    expect(statuses).toEqual([400]);
    expect(text).toContain('Bad handshake method');
    expect((await sendRaw(world, port, options(polling('', origin)))).statuses).toEqual([401]);
    expect((await sendRaw(world, port, preflight)).statuses).toEqual([401]);
    expect(ran).toEqual([]);
  });

  test('a refused request of polling is answered with the challenge', async () => {
    const { port } = await start(platform, 'polling');
    const { text } = await sendRaw(world, port, polling(''));
    expect(text).toMatch(/^www-authenticate: Bearer/im);
    expect(text).toMatch(/"statusCode":401/);
  });

  test.each([
    '//chat/?EIO=4&transport=websocket',
    '/chat//?EIO=4&transport=websocket',
    '/chat?EIO=4&transport=websocket',
    '/CHAT/?EIO=4&transport=websocket',
    '/chat/../open/?EIO=4&transport=websocket',
    '/open/../chat/?EIO=4&transport=websocket',
    'https://localhost/chat/?EIO=4&transport=websocket',
    '/openly/?EIO=4&transport=websocket',
  ])('no gateway that is not public hears of a client without token by %s', async (target) => {
    const { port } = await start(platform, 'socket.io');
    const { text } = await sendRaw(world, port, handshakeLines(target), {
      behind: Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]).toString('latin1'),
    });
    expect(ran.filter((each) => each !== 'open connection')).toEqual([]);
    if (!target.startsWith('/open/')) expect(text).toMatch(/^HTTP\/1\.1 401 /);
  });
});
