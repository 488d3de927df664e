import type { AuthorizationServerOptions } from '../cert-bound-auth.options.js';
import { nearestOf } from '../common/did-you-mean.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { SERVER_PRESETS } from '../options/authorization-server-presets.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';

/** A configuration in which every `preset` of a server is carried out. */
export interface Completed {
  readonly value: JsonObject;
  readonly problems: readonly ConfigurationProblem[];
}

/** Puts what presets say in the place of their names, in the servers of all policies and in those of each. */
export function withServerPresets(config: JsonObject): Completed {
  const problems: ConfigurationProblem[] = [];
  const inServers = (fields: unknown, at: string): unknown =>
    isJsonObject(fields) && Array.isArray(fields['authorizationServers'])
      ? {
          ...fields,
          authorizationServers: fields['authorizationServers'].map((server: unknown, index) =>
            completed(server, `${at}authorizationServers[${index}].preset`, problems),
          ),
        }
      : fields;
  const { policies, ...common } = config;
  const all = inServers(common, '') as JsonObject;
  if (policies === undefined) return { value: all, problems };
  return { value: { ...all, policies: eachPolicy(policies, inServers) }, problems };
}

function eachPolicy(policies: unknown, change: (policy: unknown, at: string) => unknown): unknown {
  if (!isJsonObject(policies)) return policies;
  return Object.fromEntries(
    Object.entries(policies).map(([name, policy]) => [name, change(policy, `policies.${name}.`)]),
  );
}

function completed(server: unknown, path: string, problems: ConfigurationProblem[]): unknown {
  if (!isJsonObject(server) || !Object.hasOwn(server, 'preset')) return server;
  const { preset, ...given } = server;
  const known = Object.entries(SERVER_PRESETS).find(([name]) => name === preset);
  if (known === undefined) {
    problems.push(problem(path, preset, remedyFor(preset)));
    return given;
  }
  return known[1](given as unknown as AuthorizationServerOptions);
}

function remedyFor(preset: unknown): string {
  const names = Object.keys(SERVER_PRESETS);
  const nearest = typeof preset === 'string' ? nearestOf(preset, names) : undefined;
  const known = `the presets are ${names.join(', ')}`;
  return nearest === undefined ? known : `did you mean ${nearest}? ${known}`;
}
