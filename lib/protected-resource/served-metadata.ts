import type { ResolvedOptions } from '../options/resolve-options.js';
import { type EnforcedByApp, protectedResourceMetadata } from './metadata.js';
import type { ServedMetadata } from './metadata-answer.js';
import { metadataTargetOf } from './metadata-url.js';

/**
 * What is told of an API by these options (RFC 9728), made when it is first asked for; `undefined` where nothing is.
 * @param enforced asked for then, for an app knows its handlers only when it has started
 */
export function servedMetadata(
  options: ResolvedOptions,
  enforced: () => EnforcedByApp,
): ServedMetadata | undefined {
  if (options.protectedResource === undefined) return undefined;
  const { resource, maxAge } = options.protectedResource;
  let document: Promise<string> | undefined;
  return {
    target: metadataTargetOf(resource),
    maxAge,
    document: async () => (document ??= protectedResourceMetadata(options, enforced())),
  };
}
