import type { Comparison, Scenario } from '../comparison.js';
import { bothPlatforms, forATime, pair, type Setting } from './line-up.js';

/** New connections at once: enough that the server has always something to do. */
const AT_ONCE = 4;

/** A new TLS connection, with a full handshake, for each request. */
export function newConnection(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const load = forATime(setting, await setting.world.tokens('RS256', 1), {
      connection: 'close',
      connections: AT_ONCE,
    });
    yield {
      contestants: bothPlatforms(setting, load, { instance: 'new-connection' }),
      repeats: setting.options,
    };
  }
  return { name: 'new-connection', title: 'A new TLS connection for each request', comparisons };
}

/** The same with certificates of two sizes. */
export function certificateSize(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const { world, options } = setting;
    for (const client of [world.clients.ordinary, world.clients.large]) {
      const credentials = await world.tokens('RS256', 1, { confirmation: world.boundTo(client) });
      const identity = world.identityOf(client);
      const load = forATime(setting, credentials, { connection: 'close', connections: AT_ONCE, identity });
      yield {
        contestants: pair(setting, 'fastify', load, { instance: 'growth-certificate' }),
        repeats: options,
        point: client.der.length,
      };
    }
  }
  return {
    name: 'growth-certificate',
    title: 'A new TLS connection for each request, by size of the certificate',
    axis: 'bytes of the client’s certificate',
    comparisons,
  };
}
