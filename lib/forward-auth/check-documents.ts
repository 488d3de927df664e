import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import { metadataTargetOf } from '../protected-resource/metadata-url.js';
import { isAtOrBelow } from './endpoint-path.js';
import type { ResolvedPolicy } from './resolved-forward-auth.js';

/**
 * Whether each document of a policy is all that there is at its path. A proxy that asks, and gets a document, would let the
 * request pass.
 * @param endpoint below which the policies are asked for
 */
export function checkDocuments(
  policies: readonly Pick<ResolvedPolicy, 'name' | 'options'>[],
  endpoint: string,
): readonly ConfigurationProblem[] {
  const owners = new Map<string, string>();
  return policies.flatMap(({ name, options }) => {
    const resource = options.protectedResource?.resource;
    if (resource === undefined) return [];
    const { path } = metadataTargetOf(resource);
    const at = `policies.${name}.protectedResource.resource`;
    if (isAtOrBelow(path, endpoint)) {
      return [
        problem(at, resource, `its document would be at ${path}, below the path of the endpoint: move that`),
      ];
    }
    const owner = owners.get(path);
    if (owner === undefined) {
      owners.set(path, name);
      return [];
    }
    const remedy = `policy ${owner} has its document at ${path} too: give each API a URL with a path of its own`;
    return [problem(at, resource, remedy)];
  });
}
