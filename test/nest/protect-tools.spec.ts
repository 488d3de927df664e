import { expect, test } from 'vitest';
import { protectTools, type ToolServer } from '../../lib/nest/mcp/protect-tools.js';

type Handler = (request: object, extra: object) => Promise<unknown>;

/** A server as the first SDK has it: handlers are set by the schema of their requests. */
function firstSdk(): { readonly server: ToolServer; readonly handlers: Map<string, Handler> } {
  const handlers = new Map<string, Handler>();
  const set = (schema: { shape?: { method?: { value?: string } } }, handler: Handler): void =>
    void handlers.set(schema.shape?.method?.value ?? 'other', handler);
  const protocol = { assertCanSetRequestHandler: () => undefined, setRequestHandler: set };
  const schema = (value: string): object => ({ shape: { method: { value } } });
  const server = {
    server: protocol,
    registerTool(name: string): void {
      const list = async (): Promise<object> => ({ tools: [{ name }, { name: 'past us' }] });
      protocol.setRequestHandler(schema('tools/list'), list);
      protocol.setRequestHandler(schema('tools/call'), async () => ({ content: ['ran'] }));
      protocol.setRequestHandler({}, async () => ({ pong: true }));
    },
  };
  return { server, handlers };
}

test('tools of the first SDK are neither listed nor run where nothing is known of who calls', async () => {
  const { server, handlers } = firstSdk();
  const scoped = protectTools(server)('pay') as { registerTool(name: string): void };
  scoped.registerTool('pay');
  for (const extra of [{}, { authInfo: { scopes: ['pay'] } }, { http: { authInfo: { scopes: ['pay'] } } }]) {
    expect(await handlers.get('tools/list')?.({}, extra)).toEqual({ tools: [] });
    expect(await handlers.get('tools/call')?.({ params: { name: 'pay' } }, extra)).toMatchObject({
      isError: true,
    });
  }
  for (const request of [{}, { params: {} }, { params: { name: 'past us' } }])
    expect(await handlers.get('tools/call')?.(request, {})).toMatchObject({
      content: [{ text: 'Tool not found' }],
      isError: true,
    });
  expect(await handlers.get('other')?.({}, {})).toEqual({ pong: true });
});
