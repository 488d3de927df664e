import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer } from '@modelcontextprotocol/server';
import { All, Controller, Req, Res } from '@nestjs/common';
import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as send } from 'node:https';
import { promisify } from 'node:util';
import { CertBoundAuthModule, mcpRequest, protectTools } from 'nestjs-cert-bound-auth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/grpc.js';
import { startApp } from '../support/platforms.js';
import { portOf } from '../support/websockets.js';
import { createWorld, tlsOf } from '../support/world.js';
import { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';

/** It needs a newer Node than the machine may have. */
const SUITE = ['-p', 'node@24', '-p', '@modelcontextprotocol/conformance@0.1.16'] as const;

/** What concerns a server that asks for tokens: that it lets a right client do its work, and no page of another origin. */
const SCENARIOS = [
  'server-initialize',
  'ping',
  'tools-list',
  'tools-call-simple-text',
  'tools-call-error',
  'dns-rebinding-protection',
] as const;

function testServer(): McpServer {
  const server = new McpServer({ name: 'conformance', version: '1' });
  const scoped = protectTools(server);
  scoped('tools').registerTool('test_simple_text', { description: 'Says something' }, () => ({
    content: [{ type: 'text', text: 'This is a simple text response for testing.' }],
  }));
  scoped().registerTool('test_error_handling', { description: 'Fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  return server;
}

@Controller('mcp')
class McpEndpoint {
  @All()
  async handle(
    @Req() request: IncomingMessage & { readonly body?: unknown },
    @Res() response: ServerResponse,
  ): Promise<void> {
    const transport = new NodeStreamableHTTPServerTransport({});
    await testServer().connect(transport);
    await transport.handleRequest(await mcpRequest(request), response, request.body);
  }
}

const run = promisify(execFile);
const ends: (() => Promise<unknown>)[] = [];
let url: string;

/** The suite knows no tokens: this puts one on each request, and the certificate that it is bound to. */
beforeAll(async () => {
  const world = await createWorld();
  const as = await TestAuthorizationServer.start({ ca: world.ca, audience: 'unused' });
  const port = await freePort();
  url = `http://localhost:${port}/mcp`;
  const auth = CertBoundAuthModule.forRoot({
    profile: 'mcp',
    audience: url,
    authorizationServers: [{ issuer: as.issuer, tls: { ca: world.ca.cert } }],
    protectedResource: { resource: url },
  });
  const module = { module: class App {}, imports: [auth], controllers: [McpEndpoint] };
  const app = await startApp('express', module, tlsOf(world));
  const token = await as.accessToken({ certificate: world.client1, scope: 'tools', claims: { aud: url } });
  const { key, cert } = world.client1;
  const proxy = createServer((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const options = {
      port: portOf(app),
      path: request.url,
      method: request.method,
      headers,
      agent: false,
      key,
      cert,
      ca: world.ca.cert,
    };
    const call = send({ ...options, host: '127.0.0.1', servername: 'localhost' }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    call.on('error', () => response.destroy());
    // What the client gives up, it does not wait for.
    response.on('close', () => call.destroy());
    request.pipe(call);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(port, 'localhost', resolve);
  });
  ends.push(
    async () => as.stop(),
    async () => app.close(),
    async () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  );
});
afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

describe('the official conformance suite of MCP', () => {
  test.each(SCENARIOS)('MCP: the scenario %s passes on a server behind this module', async (scenario) => {
    const command = ['--yes', ...SUITE, '--', 'conformance', 'server', '--url', url, '--scenario', scenario];
    const { stdout } = await run('npx', command).catch((error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    });
    expect(stdout).toMatch(/Passed: (\d+)\/\1\b/);
  });
});
