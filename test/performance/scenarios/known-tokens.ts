import type { Comparison, Scenario } from '../comparison.js';
import { bothPlatforms, forATime, guarded, onceNeeded, peers, type Setting } from './line-up.js';

/** How many tokens circulate in the second scenario. */
const MANY = 10_000;

/** The tokens that several scenarios take theirs from. */
export function tokensInAll({ options }: Setting): number {
  return Math.max(options.quick ? 0 : MANY, onceNeeded(options));
}

/** One JWT again and again. */
export function seenToken(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const load = forATime(setting, await setting.world.tokens('RS256', 1));
    const contestants = [
      ...bothPlatforms(setting, load, { instance: 'seen' }),
      ...guarded(setting, load, 'empty-guard'),
      ...peers(setting, load),
    ];
    yield { contestants, repeats: setting.options };
  }
  return { name: 'seen', title: 'A token seen before', comparisons };
}

/** Many JWTs in turn, each seen before. */
export function tenThousandTokens(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const { file, count } = await setting.world.tokens('RS256', tokensInAll(setting));
    const load = forATime(setting, { file, count: Math.min(MANY, count) });
    yield {
      contestants: bothPlatforms(setting, load, { instance: 'ten-thousand' }),
      repeats: setting.options,
    };
  }
  return { name: 'ten-thousand', title: 'Ten thousand tokens in turn, seen before', comparisons };
}

/** One opaque token again and again, its introspection answer cached. */
export function cachedOpaqueToken(setting: Setting): Scenario {
  async function* comparisons(): AsyncGenerator<Comparison> {
    const { world, options } = setting;
    const load = forATime(setting, await world.opaqueToken());
    const { introspectionEndpoint } = world;
    yield {
      contestants: bothPlatforms(setting, load, { instance: 'opaque', introspectionEndpoint }),
      repeats: options,
    };
  }
  return { name: 'opaque', title: 'An opaque token, its introspection answer cached', comparisons };
}
