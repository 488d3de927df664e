import { type NodeRequest, rawRequestOf, requestPathOf } from '../request/http-request.js';
import type { MetadataTarget } from './metadata-url.js';

/** A document that everyone may read. */
export interface ServedMetadata {
  readonly target: MetadataTarget;
  /** How long a client may keep it, in seconds. */
  readonly maxAge: number;
  /** JSON. */
  readonly document: () => Promise<string>;
}

/** What whoever asks for a document is answered. */
export interface MetadataAnswer {
  readonly status: 200 | 204 | 405;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whether a request asks for this document, by its path as it was sent. */
export function isMetadataRequest(request: NodeRequest, { path, query }: MetadataTarget): boolean {
  const { url = '' } = rawRequestOf(request);
  if (!url.includes('/.well-known/') || requestPathOf(request) !== path) return false;
  return query === '' || url.endsWith(path + query);
}

/** Any page may read it: it holds no secret, and no credentials are sent with the request (RFC 9728 has no word on CORS). */
const FOR_EVERYONE = { 'Access-Control-Allow-Origin': '*', 'X-Content-Type-Options': 'nosniff' };
const METHODS = 'GET, HEAD, OPTIONS';

/** Answers a request for a document, whoever has sent it. */
export async function metadataAnswer(
  method: string | undefined,
  { maxAge, document }: ServedMetadata,
): Promise<MetadataAnswer> {
  const seconds = String(Math.floor(maxAge));
  switch (method) {
    case 'OPTIONS':
      return { status: 204, headers: { ...FOR_EVERYONE, ...preflight(seconds) }, body: '' };
    case 'GET':
    case 'HEAD': {
      const json = await document();
      const headers = {
        ...FOR_EVERYONE,
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(json)),
        'Cache-Control': `public, max-age=${seconds}`,
      };
      return { status: 200, headers, body: method === 'HEAD' ? '' : json };
    }
    default:
      return { status: 405, headers: { ...FOR_EVERYONE, Allow: METHODS }, body: '' };
  }
}

function preflight(seconds: string): MetadataAnswer['headers'] {
  return {
    'Access-Control-Allow-Methods': METHODS,
    'Access-Control-Allow-Headers': '*',
    'Access-Control-Max-Age': seconds,
  };
}
