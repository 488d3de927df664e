import type { AuthorizationServerRules } from '../access-token/authorization-server-rules.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { Api } from './api.js';
import { apiLooks } from './api-looks.js';
import { authorizationServerLooks } from './authorization-server-looks.js';
import type { Report } from './finding.js';
import { type RedisSubject, seeRedis } from './redis-look.js';
import { type LookRules, type LookToTake, takeLooks } from './take-looks.js';

/** What is to be examined: at least one of these. */
export interface Patient {
  readonly options: ResolvedOptions | undefined;
  readonly api: Api | undefined;
  readonly redis: RedisSubject | undefined;
  /** An access token of a client. */
  readonly token: string | undefined;
}

/** Looks at everything at once, and says what was found. It changes nothing anywhere. */
export async function examine({ options, api, redis, token }: Patient, rules: LookRules): Promise<Report> {
  const servers = serversOf(options).map((server) =>
    authorizationServerLooks(server.rules, server.options, token),
  );
  try {
    return await takeLooks(
      [
        ...servers.flatMap(({ looks }) => looks),
        ...(api === undefined ? [] : apiLooks(api, rules.timeout)),
        ...(redis === undefined ? [] : [redisLook(redis)]),
      ],
      rules,
    );
  } finally {
    await Promise.all(servers.map(async (server) => server.close()));
  }
}

interface Server {
  readonly rules: AuthorizationServerRules;
  readonly options: ResolvedOptions;
}

function serversOf(options: ResolvedOptions | undefined): readonly Server[] {
  return options === undefined ? [] : options.authorizationServers.map((rules) => ({ rules, options }));
}

function redisLook(redis: RedisSubject): LookToTake {
  return { subject: redis.url.href, look: 'redis', take: async (signal) => seeRedis(redis, signal) };
}
