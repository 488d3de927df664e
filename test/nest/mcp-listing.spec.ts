import { afterEach, expect, test, vi } from 'vitest';
import { log } from '../../lib/common/log.js';
import { filterListings } from '../../lib/nest/microservices/mcp-listing.js';

afterEach(() => void vi.restoreAllMocks());

class McpStrategy {
  constructor(private readonly transports: unknown) {}
  unwrap(): object {
    return { transports: this.transports };
  }
}

/** What the log has warned of. */
function warnings(act: () => void): readonly string[] {
  const lines: string[] = [];
  vi.spyOn(log, 'warn').mockImplementation((line) => void lines.push(line));
  act();
  return lines;
}

test('a strategy that is none of MCP is left alone', () => {
  class Other {}
  expect(warnings(() => filterListings(new Other(), {} as never))).toEqual([]);
});

test('the log says that all is listed where mcp-nest has another shape', () => {
  const unknown = [new McpStrategy(undefined), Object.create({ constructor: McpStrategy }) as object];
  for (const strategy of unknown)
    expect(warnings(() => filterListings(strategy, {} as never))).toEqual([
      expect.stringContaining('this version of @rekog/mcp-nest is not known'),
    ]);
});

test('a transport that gets another context than is known gets it as it is, and the log says so', () => {
  const started: unknown[] = [];
  const transport = { start: (context: unknown) => void started.push(context) };
  filterListings(new McpStrategy([transport]), {} as never);
  const context = { createServer: () => undefined };
  expect(warnings(() => transport.start(context))).toHaveLength(1);
  expect(started).toEqual([context]);
});
