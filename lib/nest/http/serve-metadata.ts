import type { ServerResponse } from 'node:http';
import { log } from '../../common/log.js';
import { messageOf } from '../../common/message-of.js';
import type { MetadataTarget } from '../../protected-resource/metadata-url.js';
import { type NodeRequest, rawRequestOf, requestPathOf } from '../../request/http-request.js';
import type { BeforeApp } from './before-app.js';

/** A document that everyone may read. */
export interface ServedMetadata {
  readonly target: MetadataTarget;
  /** How long a client may keep it, in seconds. */
  readonly maxAge: number;
  /** JSON. */
  readonly document: () => Promise<string>;
}

/** Answers whoever asks for the metadata of an app. */
export function serveMetadata(served: ServedMetadata): BeforeApp {
  return (request, response) => {
    if (!isAskedFor(request, served.target)) return false;
    answer(request, response, served).catch((error: unknown) => {
      log.error(`the metadata of this API could not be made: ${messageOf(error)}`);
      if (!response.headersSent) response.statusCode = 500;
      response.end();
    });
    return true;
  };
}

function isAskedFor(request: NodeRequest, { path, query }: MetadataTarget): boolean {
  const { url = '' } = rawRequestOf(request);
  if (!url.includes('/.well-known/') || requestPathOf(request) !== path) return false;
  return query === '' || url.endsWith(path + query);
}

/** Any page may read it: it holds no secret, and no credentials are sent with the request (RFC 9728 has no word on CORS). */
const FOR_EVERYONE = { 'Access-Control-Allow-Origin': '*', 'X-Content-Type-Options': 'nosniff' };
const METHODS = 'GET, HEAD, OPTIONS';

async function answer(request: NodeRequest, response: ServerResponse, served: ServedMetadata): Promise<void> {
  if (request.method === 'OPTIONS') {
    response.writeHead(204, {
      ...FOR_EVERYONE,
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': '*',
      'Access-Control-Max-Age': String(Math.floor(served.maxAge)),
    });
    response.end();
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    const document = await served.document();
    response.writeHead(200, {
      ...FOR_EVERYONE,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(document),
      'Cache-Control': `public, max-age=${Math.floor(served.maxAge)}`,
    });
    response.end(request.method === 'HEAD' ? undefined : document);
  } else {
    response.writeHead(405, { ...FOR_EVERYONE, Allow: METHODS });
    response.end();
  }
}
