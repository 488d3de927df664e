import type { Comparison, Scenario, ServerContestant } from '../comparison.js';
import { GATEWAY_PATH } from '../servers/server-settings.js';
import { bothPlatforms, forATime, type Setting } from './line-up.js';

/** Messages over connections whose handshake had the token: each is decided about again. */
export function webSocketMessage(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const credentials = await setting.world.tokens('RS256', 1);
    const load = forATime(setting, credentials, { connection: 'ws', path: GATEWAY_PATH });
    const contestants = bothPlatforms(setting, load, { instance: 'ws-message' }).map(
      (contestant): ServerContestant => ({
        ...contestant,
        settings: { ...contestant.settings, entrance: 'ws' },
      }),
    );
    yield { contestants, repeats: setting.options };
  }
  return { name: 'ws-message', title: 'A message over WebSocket (ws), and its answer', comparisons };
}

/** Calls of gRPC with one token, which was seen before. */
export function grpcCall(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const { world, options } = setting;
    const load = forATime(setting, await world.tokens('RS256', 1), { connection: 'grpc' });
    const settings = { ...world.settings, platform: 'express', entrance: 'grpc' } as const;
    const common = { kind: 'server', load } as const;
    const contestants: readonly ServerContestant[] = [
      {
        ...common,
        id: 'grpc-open',
        label: 'Nest and gRPC, open',
        settings: { ...settings, variant: 'nest' },
      },
      {
        ...common,
        id: 'grpc-library',
        label: 'Nest and gRPC, this library',
        settings: { ...settings, variant: 'library', instance: 'grpc-call' },
        reference: 'grpc-open',
      },
    ];
    yield { contestants, repeats: options };
  }
  return { name: 'grpc-call', title: 'A call of gRPC with a token seen before', comparisons };
}
