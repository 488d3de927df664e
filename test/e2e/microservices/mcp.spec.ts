import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Module, type Type } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  McpController,
  McpStrategy,
  Prompt,
  Resource,
  ResourceTemplate,
  StreamableHttpTransport,
  Tool,
  ToolScopes,
} from '@rekog/mcp-nest';
import {
  AccessToken,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  describeEntrances,
  Policy,
  Scopes,
  type VerifiedAccessToken,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { Agent, fetch as undiciFetch } from 'undici';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Platform, PLATFORMS, startApp } from '../../support/platforms.js';
import { createWorld, startAuthorizationServer, tlsOf, whenOver } from '../../support/world.js';

/** That of undici takes a dispatcher of ours. */
const send = undiciFetch as unknown as typeof fetch;

const ran: string[] = [];

/** The quick start of @rekog/mcp-nest, and a tool with scopes. */
@McpController()
class BankTools {
  @Tool({ name: 'greet', description: 'Greets', parameters: z.object({ name: z.string().default('World') }) })
  greet(@Payload() { name }: { readonly name: string }): object {
    ran.push('greet');
    return { content: [{ type: 'text', text: `Hello, ${name}!` }] };
  }
  /** By the decorator of mcp-nest itself, which reads the scopes of the user. */
  @Tool({ name: 'quote', description: 'Quotes', parameters: z.object({}) })
  @ToolScopes(['quote'])
  quote(): object {
    ran.push('quote');
    return { content: [{ type: 'text', text: '1.08' }] };
  }
  @Resource({ uri: 'bank://rates', name: 'rates' }) rates(): object {
    return { contents: [] };
  }
  @Resource({ uri: 'bank://accounts', name: 'accounts' }) @Scopes('pay') accounts(): object {
    return { contents: [] };
  }
  @ResourceTemplate({ uriTemplate: 'bank://rates/{day}', name: 'day' }) day(): object {
    return { contents: [] };
  }
  @ResourceTemplate({ uriTemplate: 'bank://accounts/{id}', name: 'account' })
  @Scopes('pay')
  account(): object {
    return { contents: [] };
  }
  @Prompt({ name: 'advise', description: 'Advises' }) advise(): object {
    return { messages: [] };
  }
  @Prompt({ name: 'transfer', description: 'Transfers' }) @Scopes('pay') transfer(): object {
    return { messages: [] };
  }
  @Tool({ name: 'pay', description: 'Pays', parameters: z.object({}) })
  @Scopes('pay')
  pay(@AccessToken() token: VerifiedAccessToken): object {
    ran.push('pay');
    return { content: [{ type: 'text', text: `paid by ${token.subject}` }] };
  }
}

@McpController()
class PolicyTools {
  @Tool({ name: 'greet', description: 'Greets', parameters: z.object({}) })
  greet(): object {
    ran.push('greet');
    return { content: [{ type: 'text', text: 'greet' }] };
  }
  @Tool({ name: 'order', description: 'Orders', parameters: z.object({}) })
  @Policy('partners')
  order(): object {
    ran.push('order');
    return { content: [{ type: 'text', text: 'order' }] };
  }
}

const world = await createWorld();
beforeEach(() => {
  ran.length = 0;
});

interface Mcp {
  readonly as: TestAuthorizationServer;
  readonly entrances: readonly string[];
  readonly connect: (token?: string, certificate?: TestCertificate) => Promise<Client>;
  /** Sends one message to a session, which anybody may know, and answers with the result. */
  readonly sendTo: (session: string, token: string, message: object) => Promise<unknown>;
}

async function start(
  platform: Platform,
  statefulMode = false,
  tools: Type = BankTools,
  options: Partial<CertBoundAuthOptions> = {},
): Promise<Mcp> {
  const as = await startAuthorizationServer(world);
  const strategy = new McpStrategy({
    name: 'bank',
    version: '1',
    transports: [new StreamableHttpTransport({ statefulMode, enableJsonResponse: true })],
  });
  const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, ...options });
  @Module({ imports: [auth], controllers: [tools] })
  class AppModule {}
  const app = await startApp(platform, AppModule, tlsOf(world), {
    configure: (nest) => {
      strategy.setHttpAdapter(nest.getHttpAdapter());
      nest.connectMicroservice({ strategy });
      whenMounted = nest.startAllMicroservices();
    },
  });
  await whenMounted;
  whenOver(async () => app.close());
  const { port } = app.getHttpServer().address() as { readonly port: number };
  const connect: Mcp['connect'] = async (token, { key, cert } = world.client1) => {
    const dispatcher = new Agent({ connect: { key, cert, ca: world.ca.cert } });
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL(`https://localhost:${port}/mcp`), {
      fetch: async (url, init) => send(url, { ...init, dispatcher } as object),
      requestInit: { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
    });
    whenOver(async () => dispatcher.destroy());
    await client.connect(transport);
    return client;
  };
  const sendTo: Mcp['sendTo'] = async (session, token, message) => {
    const { key, cert } = world.client1;
    const dispatcher = new Agent({ connect: { key, cert, ca: world.ca.cert } });
    whenOver(async () => dispatcher.destroy());
    const response = await undiciFetch(`https://localhost:${port}/mcp`, {
      method: 'POST',
      dispatcher,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': session,
        'mcp-protocol-version': '2025-06-18',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
    });
    return ((await response.json()) as { readonly result?: unknown }).result;
  };
  return {
    as,
    connect,
    sendTo,
    entrances: describeEntrances(app).map(({ kind, name }) => `${kind} ${name}`),
  };
}
let whenMounted: Promise<unknown>;

const textOf = ({ content }: { readonly content?: unknown }): unknown =>
  (content as readonly { readonly text?: string }[] | undefined)?.[0]?.text;

describe.each(PLATFORMS)('INV12: the tools of MCP in an app on %s', (platform) => {
  test('nothing of the server is told, and no tool runs, without a token that is bound to the caller', async () => {
    const { as, connect } = await start(platform);
    const token = await as.accessToken({ certificate: world.client1, scope: 'pay' });
    await expect(connect()).rejects.toThrow();
    await expect(connect(token, world.client2)).rejects.toThrow();
    expect(ran).toEqual([]);
  });

  test('a tool runs for a bound token, one with scopes only with these, and its handler gets the token', async () => {
    const { as, connect, entrances } = await start(platform);
    const poor = await connect(await as.accessToken({ certificate: world.client1, scope: 'read' }));
    expect((await poor.listTools()).tools.map(({ name }) => name)).toEqual(['greet']);
    expect(textOf(await poor.callTool({ name: 'greet', arguments: {} }))).toBe('Hello, World!');
    const refused = await poor.callTool({ name: 'pay', arguments: {} });
    expect(refused).toMatchObject({ isError: true });
    expect(textOf(refused)).toContain('does not have the scope');
    expect(ran).toEqual(['greet']);

    const rich = await connect(
      await as.accessToken({ certificate: world.client1, scope: 'pay', subject: 'alice' }),
    );
    expect((await rich.listTools()).tools.map(({ name }) => name)).toEqual(['greet', 'pay']);
    expect(textOf(await rich.callTool({ name: 'pay', arguments: {} }))).toBe('paid by alice');
    expect(entrances).toContain('message {"mcp":"tool","name":"pay"}');
  });

  test('resources, their templates and prompts are listed only to tokens that may use them', async () => {
    const { as, connect } = await start(platform);
    const listed = async (scope: string): Promise<readonly unknown[]> => {
      const client = await connect(await as.accessToken({ certificate: world.client1, scope }));
      const { resources } = await client.listResources();
      const { resourceTemplates } = await client.listResourceTemplates();
      const { prompts } = await client.listPrompts();
      return [...resources, ...resourceTemplates, ...prompts].map(({ name }) => name);
    };
    expect(await listed('other')).toEqual(['rates', 'day', 'advise']);
    expect(await listed('pay')).toEqual(['rates', 'accounts', 'day', 'account', 'advise', 'transfer']);
  });

  test("mcp-nest's own @ToolScopes() finds the scopes of the token", async () => {
    const { as, connect } = await start(platform);
    const without = await connect(await as.accessToken({ certificate: world.client1, scope: 'other' }));
    await expect(without.callTool({ name: 'quote', arguments: {} })).rejects.toThrow();
    const scope = 'other quote';
    const client = await connect(await as.accessToken({ certificate: world.client1, scope }));
    expect(textOf(await client.callTool({ name: 'quote', arguments: {} }))).toBe('1.08');
    expect(ran).toEqual(['quote']);
  });

  test('a tool of a policy is shown to its tokens alone, and runs for no other', async () => {
    const { as, connect } = await start(platform, false, PolicyTools, {
      publicPaths: ['/mcp'],
      policies: { partners: { audience: 'https://partners.example.com' } },
    });
    const own = await as.accessToken({ certificate: world.client1 });
    const audience = 'https://partners.example.com';
    const partners = await as.accessToken({ certificate: world.client1, audience });
    for (const [token, shown, hidden] of [
      [own, 'greet', 'order'],
      [partners, 'order', 'greet'],
    ] as const) {
      const client = await connect(token);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual([shown]);
      expect(textOf(await client.callTool({ name: shown, arguments: {} }))).toBe(shown);
      expect(await client.callTool({ name: hidden, arguments: {} })).toMatchObject({ isError: true });
      expect(ran).toEqual([shown]);
      ran.length = 0;
    }
  });

  test('MCP-5, MCP-11: each message of a session is decided about by the request that has brought it, whatever comes at the same time', async () => {
    const { as, connect, sendTo } = await start(platform, true);
    const rich = await as.accessToken({ certificate: world.client1, scope: 'pay', subject: 'alice' });
    const poor = await as.accessToken({ certificate: world.client1, scope: 'read', subject: 'mallory' });
    const { sessionId = '' } = (await connect(rich)).transport as { readonly sessionId?: string };
    expect(sessionId).not.toBe('');
    const call = (name: string): object => ({ method: 'tools/call', params: { name, arguments: {} } });
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, index) =>
        index % 2 === 0 ? sendTo(sessionId, poor, call('pay')) : sendTo(sessionId, rich, call('greet')),
      ),
    );
    for (const [index, answer] of answers.entries())
      expect(textOf(answer as object)).toContain(
        index % 2 === 0 ? 'does not have the scope' : 'Hello, World!',
      );
    expect(ran).not.toContain('pay');
    const [listed, paid] = await Promise.all([
      sendTo(sessionId, poor, { method: 'tools/list' }),
      sendTo(sessionId, rich, call('pay')),
    ]);
    expect((listed as { readonly tools: readonly object[] }).tools).toHaveLength(1);
    expect(textOf(paid as object)).toBe('paid by alice');
  });
});
