import type { Comparison, LoadPlan, Scenario } from '../comparison.js';
import { SCOPE, SCOPED_PATH, type ServerSettings } from '../servers/server-settings.js';
import type { CredentialsFile } from '../world/world.js';
import { eachOnce, forATime, onceNeeded, pair, type Setting } from './line-up.js';

/** The platform whose own cost is the lowest, so that growth can be seen. */
const PLATFORM = 'fastify';

/** Its rounds are shorter than the others, and its servers started once: there are many. */
const SHARE_OF_A_ROUND = 0.6;

/** What is measured at one point of an axis. */
interface Point {
  readonly load: LoadPlan;
  readonly settings?: Partial<ServerSettings>;
  readonly memory?: boolean;
}

/** What a growth is called, and where it is measured. */
interface Axis {
  readonly name: string;
  readonly title: string;
  readonly axis: string;
  readonly points: readonly number[];
  /** The few for `--quick`. */
  readonly quickPoints: readonly number[];
}

/** The setting of growths. */
export function forGrowth({ world, options }: Setting): Setting {
  return { world, options: { ...options, starts: 1, seconds: options.seconds * SHARE_OF_A_ROUND } };
}

function growth(setting: Setting, axis: Axis, pointAt: (value: number) => Promise<Point>): Scenario {
  const { options } = setting;
  async function* comparisons(): AsyncGenerator<Comparison> {
    for (const value of options.quick ? axis.quickPoints : axis.points) {
      const { load, settings = {}, memory = false } = await pointAt(value);
      yield {
        contestants: pair(setting, PLATFORM, load, { ...settings, instance: axis.name }),
        repeats: options,
        point: value,
        memory,
      };
    }
  }
  return { name: axis.name, title: axis.title, axis: axis.axis, comparisons };
}

/** More and more tokens that were seen before, in turn; and the memory that they take. */
export function cachedTokens(setting: Setting): Scenario {
  const axis = {
    name: 'growth-tokens',
    title: 'Tokens seen before, in turn',
    axis: 'tokens in circulation',
    points: [1, 1000, 10_000, 100_000],
    quickPoints: [1, 500],
  };
  return growth(setting, axis, async (value) => {
    const most = (setting.options.quick ? axis.quickPoints : axis.points).at(-1) ?? 1;
    const { file } = await setting.world.tokens('ES256', most);
    return { load: forATime(setting, { file, count: value }), memory: true };
  });
}

/** More and more issuers; the tokens are of the last one. */
export function issuers(setting: Setting, tokens: 'seen' | 'new'): Scenario {
  const axis = {
    name: `growth-issuers-${tokens}`,
    title: `Trusted issuers, ${titleOf(tokens)}`,
    axis: 'issuers',
    points: tokens === 'new' ? [1, 10, 50] : [1, 50],
    quickPoints: [1, 50],
  };
  return growth(setting, axis, async (value) => {
    const { world } = setting;
    const [first] = world.settings.issuers;
    const all = Array.from({ length: value }, (_, index) => ({
      issuer: `https://as-${index}.example.com`,
      jwksUri: first?.jwksUri ?? '',
    }));
    const issuer = all.at(-1)?.issuer ?? '';
    const count = tokens === 'new' ? onceNeeded(setting.options) : 1;
    const credentials = await world.tokens('ES256', count, { issuer });
    return { load: loadOf(setting, tokens, credentials), settings: { issuers: all } };
  });
}

/** More and more keys in the JWK Set; the tokens are signed with the last one. */
export function publishedKeys(setting: Setting, tokens: 'seen' | 'new'): Scenario {
  const axis = {
    name: `growth-keys-${tokens}`,
    title: `Keys in the JWK Set, ${titleOf(tokens)}`,
    axis: 'keys',
    points: tokens === 'new' ? [1, 30, 1000] : [1, 1000],
    quickPoints: [1, 1000],
  };
  return growth(setting, axis, async (value) => {
    const { world, options } = setting;
    const jwksUri = await world.publishKeys(value);
    const [first] = world.settings.issuers;
    const count = tokens === 'new' ? onceNeeded(options) : 1;
    const credentials = await world.tokens('ES256', count);
    const settings = { issuers: [{ issuer: first?.issuer ?? '', jwksUri }] };
    return { load: loadOf(setting, tokens, credentials), settings };
  });
}

/** More and more scopes in a token that was seen before; the route demands the last one. */
export function tokenScopes(setting: Setting): Scenario {
  const axis = {
    name: 'growth-scopes',
    title: 'Scopes of a token seen before, of which the route demands the last',
    axis: 'scopes',
    points: [1, 20, 200],
    quickPoints: [1, 200],
  };
  return growth(setting, axis, async (value) => {
    const others = Array.from({ length: value - 1 }, (_, index) => `resource-${index}:read`);
    const scope = [...others, SCOPE].join(' ');
    const credentials = await setting.world.tokens('ES256', 1, { scope });
    return { load: forATime(setting, credentials, { path: SCOPED_PATH }) };
  });
}

/** More and more tokens that have been revoked; the one that comes is not among them. */
export function revokedTokens(setting: Setting): Scenario {
  const axis = {
    name: 'growth-revoked',
    title: 'Revoked tokens, with a token seen before that is none of them',
    axis: 'revoked tokens',
    points: [0, 1000, 1_000_000],
    quickPoints: [0, 1000],
  };
  return growth(setting, axis, async (value) => ({
    load: forATime(setting, await setting.world.tokens('ES256', 1)),
    settings: { revokedTokens: value },
    memory: true,
  }));
}

/** More and more keep-alive connections, all with the same token. */
export function connections(setting: Setting): Scenario {
  const axis = {
    name: 'growth-connections',
    title: 'Connections, with one token seen before',
    axis: 'connections',
    points: [1, 10, 100, 1000],
    quickPoints: [1, 100],
  };
  return growth(setting, axis, async (value) => ({
    load: forATime(setting, await setting.world.tokens('ES256', 1), { connections: value }),
  }));
}

function titleOf(tokens: 'seen' | 'new'): string {
  return tokens === 'new' ? 'with a new token in each request' : 'with a token seen before';
}

function loadOf(setting: Setting, tokens: 'seen' | 'new', credentials: CredentialsFile): LoadPlan {
  return tokens === 'new' ? eachOnce(setting, credentials) : forATime(setting, credentials);
}
