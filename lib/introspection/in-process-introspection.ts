import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import { outage } from '../challenge/oauth-error.js';
import type { InProcessIntrospectionSource } from './introspection-rules.js';
import { type IntrospectionAnswer, readIntrospection } from './introspection-client.js';
import { type JsonObject, parseJsonObject } from '../jose/json-object.js';

/**
 * Asks an authorization server that lives in this process.
 * @throws OAuthError 503 when it throws, or answers nonsense
 */
export async function introspectInProcess(
  token: string,
  { introspect }: InProcessIntrospectionSource,
): Promise<IntrospectionAnswer> {
  const answer = (await ask(introspect, token)) ?? { active: false };
  return readIntrospection('introspect', plain(answer));
}

async function ask(introspect: InProcessIntrospectionSource['introspect'], token: string): Promise<unknown> {
  try {
    return await introspect(token);
  } catch (cause) {
    const detail = `introspect threw ${cause instanceof Error ? cause.name : typeof cause}`;
    throw outage('authorization_server_unreachable', { detail, cause });
  }
}

/** As if it had come by HTTP: plain JSON, and nothing shared with the server. */
function plain(answer: unknown): JsonObject | undefined {
  try {
    return parseJsonObject(JSON.stringify(answer));
  } catch (cause) {
    throw invalidAnswer('introspect', 'its answer is no JSON', cause);
  }
}
