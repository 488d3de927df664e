import type { ServerResponse } from 'node:http';
import { log } from '../../common/log.js';
import { messageOf } from '../../common/message-of.js';
import {
  isMetadataRequest,
  metadataAnswer,
  type ServedMetadata,
} from '../../protected-resource/metadata-answer.js';
import type { NodeRequest } from '../../request/http-request.js';
import type { BeforeApp } from './before-app.js';

export type { ServedMetadata };

/** Answers whoever asks for the metadata of an app. */
export function serveMetadata(served: ServedMetadata): BeforeApp {
  return (request, response) => {
    if (!isMetadataRequest(request, served.target)) return false;
    answer(request, response, served).catch((error: unknown) => {
      log.error(`the metadata of this API could not be made: ${messageOf(error)}`);
      if (!response.headersSent) response.statusCode = 500;
      response.end();
    });
    return true;
  };
}

async function answer(request: NodeRequest, response: ServerResponse, served: ServedMetadata): Promise<void> {
  const { status, headers, body } = await metadataAnswer(request.method, served);
  response.writeHead(status, headers).end(body);
}
