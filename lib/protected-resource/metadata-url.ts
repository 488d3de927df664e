const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Scheme and authority, then path, then query. */
const PARTS = /^(https?:\/\/[^/?]+)([^?]*)(.*)$/;

/**
 * The URL of the metadata of a protected resource: the well-known path stands between the host and the path of its
 * identifier. Nothing is normalised, for clients compare the identifier as it stands.
 * @see RFC 9728 §3
 */
export function metadataUrlOf(resource: string): string {
  const [, origin = '', path = '', query = ''] = PARTS.exec(resource) ?? [];
  return `${origin}${WELL_KNOWN}${path === '/' ? '' : path}${query}`;
}

/** Where a request asks for metadata. */
export interface MetadataTarget {
  /** As it must be sent. */
  readonly path: string;
  /** With its question mark; empty where the identifier has none, and then any query is ignored. */
  readonly query: string;
}

/** Path and query of the URL of the metadata. */
export function metadataTargetOf(resource: string): MetadataTarget {
  const [, , path = '', query = ''] = PARTS.exec(metadataUrlOf(resource)) ?? [];
  return { path, query };
}
