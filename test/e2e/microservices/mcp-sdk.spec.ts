import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer } from '@modelcontextprotocol/server';
import { All, Controller, Inject, Module, Req, Res } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type AccessDecision,
  CertBoundAuthModule,
  DecisionListener,
  mcpRequest,
  protectTools,
  Public,
  TokenRevocations,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { randomUUID } from 'node:crypto';
import { Agent, fetch as undiciFetch } from 'undici';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { type Platform, PLATFORMS, startApp } from '../../support/platforms.js';
import { createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';

/** That of undici takes a dispatcher of ours. */
const send = undiciFetch as unknown as typeof fetch;

const ran: string[] = [];
const seen: unknown[] = [];
const events: AccessDecision[] = [];

const world = await createWorld();
beforeEach(() => {
  for (const list of [ran, seen, events]) list.length = 0;
});

type AnyRequest = IncomingMessage & { readonly raw?: IncomingMessage; readonly body?: unknown };
type AnyResponse = ServerResponse & { readonly raw?: ServerResponse; hijack?(): void };

function bankServer(): McpServer {
  const server = new McpServer({ name: 'bank', version: '1' });
  const scoped = protectTools(server);
  const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });
  scoped().registerTool('greet', { description: 'Greets' }, (context) => {
    ran.push('greet');
    seen.push(context.http?.authInfo);
    return text('Hello');
  });
  scoped('pay').registerTool('pay', { description: 'Pays' }, () => {
    ran.push('pay');
    return text('paid');
  });
  return server;
}

async function answer(
  transport: NodeStreamableHTTPServerTransport,
  request: AnyRequest,
  response: AnyResponse,
): Promise<void> {
  response.hijack?.();
  await transport.handleRequest(await mcpRequest(request), response.raw ?? response, request.body);
}

async function answerAlone(request: AnyRequest, response: AnyResponse): Promise<void> {
  const transport = new NodeStreamableHTTPServerTransport({});
  await bankServer().connect(transport);
  await answer(transport, request, response);
}

@Controller()
class McpEndpoints {
  private readonly sessions = new Map<string, NodeStreamableHTTPServerTransport>();

  constructor(@Inject(TokenRevocations) private readonly revocations: TokenRevocations) {}

  @All('mcp')
  async alone(@Req() request: AnyRequest, @Res() response: AnyResponse): Promise<void> {
    await answerAlone(request, response);
  }
  @All('open')
  @Public()
  async open(@Req() request: AnyRequest, @Res() response: AnyResponse): Promise<void> {
    await answerAlone(request, response);
  }
  /** The clock goes on between the guard and the tool. */
  @All('late')
  async late(@Req() request: AnyRequest, @Res() response: AnyResponse): Promise<void> {
    const { method } = request.body as { readonly method?: string };
    const later = Date.now() + 24 * 3_600_000;
    await mcpRequest(request);
    if (method === 'tools/call') vi.spyOn(Date, 'now').mockReturnValue(later);
    await answerAlone(request, response);
  }
  /** The token is revoked between the guard and the tool. */
  @All('revoked')
  async revoked(@Req() request: AnyRequest, @Res() response: AnyResponse): Promise<void> {
    const { method } = request.body as { readonly method?: string };
    const { auth } = await mcpRequest(request);
    const { issuer = '', subject = '' } = (auth?.extra ?? {}) as Partial<Record<string, string>>;
    if (method === 'tools/call') await this.revocations.revoke({ issuer, subject });
    await answerAlone(request, response);
  }
  @All('sessions')
  async session(@Req() request: AnyRequest, @Res() response: AnyResponse): Promise<void> {
    const id = (request.raw ?? request).headers['mcp-session-id'];
    const transport = this.sessions.get(String(id)) ?? (await this.begin());
    await answer(transport, request, response);
  }
  private async begin(): Promise<NodeStreamableHTTPServerTransport> {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void this.sessions.set(id, transport),
    });
    await bankServer().connect(transport);
    return transport;
  }
}

class Listener extends DecisionListener {
  override onDecision(decision: AccessDecision): void {
    events.push(decision);
  }
}

interface Caller {
  readonly client: Client;
  /** Sends another token from now on, in the same session. */
  readonly use: (token: string) => void;
}

interface Mcp {
  readonly revoke: (subject: string) => Promise<void>;
  readonly as: TestAuthorizationServer;
  readonly connect: (path: string, token?: string, certificate?: TestCertificate) => Promise<Caller>;
}

async function start(platform: Platform): Promise<Mcp> {
  const as = await startAuthorizationServer(world);
  @Module({
    imports: [CertBoundAuthModule.forRoot({ ...as.moduleOptions, revocations: {} })],
    controllers: [McpEndpoints],
    providers: [{ provide: DecisionListener, useClass: Listener }],
  })
  class AppModule {}
  const app = await startApp(platform, AppModule, tlsOf(world));
  whenOver(async () => app.close());
  const { port } = app.getHttpServer().address() as { readonly port: number };
  const connect: Mcp['connect'] = async (path, first, { key, cert } = world.client1) => {
    let token = first;
    const dispatcher = new Agent({ connect: { key, cert, ca: world.ca.cert } });
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`https://localhost:${port}/${path}`), {
      fetch: async (url, init) => {
        const headers = new Headers(init?.headers);
        if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
        return send(url, { ...init, headers: Object.fromEntries(headers), dispatcher } as object);
      },
    });
    whenOver(async () => dispatcher.destroy());
    await client.connect(transport);
    return { client, use: (next) => (token = next) };
  };
  const revoke: Mcp['revoke'] = async (subject) =>
    app.get(TokenRevocations).revoke({ issuer: as.issuer, subject });
  return { as, connect, revoke };
}

const namesOf = async (client: Client): Promise<readonly string[]> =>
  (await client.listTools()).tools.map(({ name }) => name);

const refusals = (): readonly AccessDecision[] => events.filter(({ outcome }) => outcome !== 'accepted');

describe.each(PLATFORMS)('INV12: tools of the official SDK of MCP in an app on %s', (platform) => {
  test.each(['mcp', 'sessions'])(
    'nobody reaches a protected tool at %s without a token that is bound to the caller',
    async (path) => {
      const { as, connect } = await start(platform);
      const token = await as.accessToken({ certificate: world.client1, scope: 'pay' });
      await expect(connect(path)).rejects.toThrow();
      await expect(connect(path, token, world.client2)).rejects.toThrow();
      expect(ran).toEqual([]);
    },
  );

  test.each(['mcp', 'sessions'])(
    'MCP-5, MCP-11: a protected tool at %s runs and is listed only for a token with its scopes, whatever the session began with',
    async (path) => {
      const { as, connect } = await start(platform);
      const rich = await as.accessToken({ certificate: world.client1, scope: 'pay' });
      const poor = await as.accessToken({ certificate: world.client1, scope: 'read' });
      const { client, use } = await connect(path, rich);
      expect(await namesOf(client)).toEqual(['greet', 'pay']);
      expect(await client.callTool({ name: 'pay', arguments: {} })).not.toHaveProperty('isError', true);

      use(poor);
      expect(await namesOf(client)).toEqual(['greet']);
      expect(refusals()).toEqual([]);
      expect(await client.callTool({ name: 'pay', arguments: {} })).toMatchObject({ isError: true });
      expect(ran).toEqual(['pay']);
      expect(refusals()).toMatchObject([
        { reason: 'scope_missing', route: expect.stringMatching(/ tool pay$/) as string },
      ]);
    },
  );

  test('MCP-3: a tool gets to know its caller in the shape of the SDK, without the token', async () => {
    const { as, connect } = await start(platform);
    const { client } = await connect(
      'mcp',
      await as.accessToken({ certificate: world.client1, scope: 'read', subject: 'alice' }),
    );
    await client.callTool({ name: 'greet', arguments: {} });
    expect(seen).toMatchObject([{ token: '', scopes: ['read'], extra: { subject: 'alice' } }]);
  });

  test('a tool does not run for a token that has expired since its request came', async () => {
    const { as, connect } = await start(platform);
    const { client } = await connect(
      'late',
      await as.accessToken({ certificate: world.client1, scope: 'pay' }),
    );
    const answered = await client.callTool({ name: 'pay', arguments: {} });
    vi.restoreAllMocks();
    expect(answered).toMatchObject({ isError: true });
    expect(ran).toEqual([]);
    expect(refusals()).toMatchObject([{ reason: 'token_expired' }]);
  });

  test('a tool does not run for a token that is revoked since its request came', async () => {
    const { as, connect } = await start(platform);
    const token = await as.accessToken({ certificate: world.client1, scope: 'pay', subject: 'alice' });
    const { client } = await connect('revoked', token);
    expect(await client.callTool({ name: 'pay', arguments: {} })).toMatchObject({ isError: true });
    expect(ran).toEqual([]);
    expect(refusals()).toMatchObject([{ reason: 'token_revoked' }]);
  });

  test.each(['mcp', 'sessions'])(
    'a revoked token lists and runs nothing more at %s, also in the session that began with it',
    async (path) => {
      const { as, connect, revoke } = await start(platform);
      const of = async (subject: string): Promise<string> =>
        as.accessToken({ certificate: world.client1, scope: 'pay', subject });
      const { client, use } = await connect(path, await of('alice'));
      expect(await client.callTool({ name: 'pay', arguments: {} })).not.toHaveProperty('isError', true);
      await revoke('alice');
      await expect(client.listTools()).rejects.toThrow();
      await expect(client.callTool({ name: 'pay', arguments: {} })).rejects.toThrow();
      expect(ran).toEqual(['pay']);
      expect(new Set(refusals().map((each) => each.outcome === 'refused' && each.reason))).toEqual(
        new Set(['token_revoked']),
      );
      use(await of('bob'));
      expect(await namesOf(client)).toEqual(['greet', 'pay']);
    },
  );

  test('the stream of a session ends when its token is revoked, and none is opened with it', async () => {
    const { as, connect, revoke } = await start(platform);
    await connect(
      'sessions',
      await as.accessToken({ certificate: world.client1, scope: 'pay', subject: 'alice' }),
    );
    const streams = (): readonly AccessDecision[] => events.filter(({ route }) => route.startsWith('GET '));
    await eventually(() => streams().length === 1);
    await revoke('alice');
    // The client opens another one when its stream has ended.
    await eventually(() => streams().length === 2);
    expect(streams()).toMatchObject([
      { outcome: 'accepted' },
      { outcome: 'refused', reason: 'token_revoked', status: 401 },
    ]);
  });

  test('a protected tool neither runs nor is listed where its route is public', async () => {
    const { connect } = await start(platform);
    const { client } = await connect('open');
    expect(await namesOf(client)).toEqual([]);
    expect(await client.callTool({ name: 'greet', arguments: {} })).toMatchObject({ isError: true });
    expect(ran).toEqual([]);
  });
});

test('a tool that is registered past protectTools is refused at once, and so is a server that has tools already', () => {
  const server = bankServer();
  const register = (): unknown => server.registerTool('more', {}, () => ({ content: [] }));
  expect(register).toThrow('say what the tool demands');
  expect(() => protectTools(server)).toThrow();
});

test('a scope that no token could have, and a version of the SDK that is not known, are refused where tools are registered', () => {
  expect(() => protectTools(new McpServer({ name: 'bank', version: '1' }))('two scopes')).toThrow(
    'not one scope',
  );
  const unknown = {
    registerTool: () => undefined,
    server: { assertCanSetRequestHandler: () => undefined, setRequestHandler: () => undefined },
  };
  const { registerTool } = protectTools(unknown)('pay');
  expect(registerTool).toThrow('does not know this version');
});
