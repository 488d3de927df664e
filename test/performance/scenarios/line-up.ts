import type { BenchOptions } from '../bench-options.js';
import type { LoadPlan, ServerContestant } from '../comparison.js';
import type { RunEnd } from '../processes/load.js';
import { PATH, type Platform, type ServerSettings } from '../servers/server-settings.js';
import type { CredentialsFile, World } from '../world/world.js';

export const PLATFORMS: readonly Platform[] = ['express', 'fastify'];

const PLATFORM_LABELS: Readonly<Record<Platform, string>> = {
  express: 'Nest on Express',
  fastify: 'Nest on Fastify',
};

/** What all scenarios have. */
export interface Setting {
  readonly world: World;
  readonly options: BenchOptions;
}

/** As long as so many rounds: until the compiler has done its work. */
export const WARM_UP_ROUNDS = 10;

function warmUpOf({ seconds }: BenchOptions): RunEnd {
  return { seconds: seconds * WARM_UP_ROUNDS };
}

/** The same token, or the same few, for a time. */
export function forATime(
  { world, options }: Setting,
  credentials: CredentialsFile,
  plan: Partial<LoadPlan> = {},
): LoadPlan {
  return {
    credentials,
    once: false,
    path: PATH,
    identity: world.identityOf(world.clients.ordinary),
    connections: options.connections,
    connection: 'keep-alive',
    // Every token comes once, then as long as it takes.
    warmUp: [{ requests: credentials.count }, warmUpOf(options)],
    round: { seconds: options.seconds },
    ...plan,
  };
}

/** Every token or proof once: {@link onceNeeded} of them. */
export function eachOnce(setting: Setting, credentials: CredentialsFile): LoadPlan {
  const { requests } = setting.options;
  const plan = { once: true, warmUp: [{ requests: requests * WARM_UP_ROUNDS }], round: { requests } };
  return forATime(setting, credentials, plan);
}

/** How many tokens or proofs {@link eachOnce} needs: a server that is started anew has seen none. */
export function onceNeeded({ rounds, starts, requests }: BenchOptions): number {
  return (Math.ceil(rounds / starts) + WARM_UP_ROUNDS) * requests;
}

/** The open route and the protected one. */
export function pair(
  { world }: Setting,
  platform: Platform,
  load: LoadPlan,
  settings: Partial<ServerSettings> & { readonly instance: string },
): readonly ServerContestant[] {
  const open = `${platform}-open`;
  const label = PLATFORM_LABELS[platform];
  const common = { kind: 'server', load } as const;
  return [
    {
      ...common,
      id: open,
      label: `${label}, open`,
      settings: { ...world.settings, variant: 'nest', platform },
    },
    {
      ...common,
      id: `${platform}-library`,
      label: `${label}, this library`,
      settings: { ...world.settings, ...settings, variant: 'library', platform },
      reference: open,
    },
  ];
}

/** The same open route and the protected one, on both platforms. */
export function bothPlatforms(
  setting: Setting,
  load: LoadPlan,
  settings: Partial<ServerSettings> & { readonly instance: string },
): readonly ServerContestant[] {
  return PLATFORMS.flatMap((platform) => pair(setting, platform, load, settings));
}

/** What a guard does that the library is held against. */
const GUARD_LABELS = {
  'empty-guard': 'a guard that does nothing',
  'jwt-verify-guard': 'a guard that only calls jose.jwtVerify',
  'signature-guard': 'a guard that only verifies one signature',
} as const;

/** Nest with one guard, on both platforms. */
export function guarded(
  { world }: Setting,
  load: LoadPlan,
  variant: keyof typeof GUARD_LABELS,
): readonly ServerContestant[] {
  return PLATFORMS.map((platform) => ({
    kind: 'server',
    load,
    id: `${platform}-${variant}`,
    label: `${PLATFORM_LABELS[platform]}, ${GUARD_LABELS[variant]}`,
    settings: { ...world.settings, variant, platform },
    reference: `${platform}-open`,
  }));
}

/** The others; they keep nothing, so one server does for all scenarios. */
export function peers({ world }: Setting, load: LoadPlan): readonly ServerContestant[] {
  const common = { kind: 'server', load } as const;
  const settings = { ...world.settings, platform: 'express' } as const;
  return [
    {
      ...common,
      id: 'hand-written',
      label: 'Nest on Express, written by hand',
      settings: { ...settings, variant: 'hand-written' },
      reference: 'express-open',
    },
    {
      ...common,
      id: 'plain-open',
      label: 'Express alone, open',
      settings: { ...settings, variant: 'express' },
    },
    {
      ...common,
      id: 'auth0',
      label: 'Express alone, express-oauth2-jwt-bearer',
      settings: { ...settings, variant: 'auth0' },
      reference: 'plain-open',
    },
    {
      ...common,
      id: 'passport-jwt',
      label: 'Express alone, passport-jwt (no binding)',
      settings: { ...settings, variant: 'passport-jwt' },
      reference: 'plain-open',
    },
  ];
}
