import type { Scenario } from '../comparison.js';
import {
  cachedTokens,
  connections,
  forGrowth,
  issuers,
  publishedKeys,
  revokedTokens,
  tokenScopes,
} from './growth.js';
import { cachedOpaqueToken, seenToken, tenThousandTokens } from './known-tokens.js';
import type { Setting } from './line-up.js';
import { certificateSize, newConnection } from './new-connections.js';
import { dpopRequest, newToken } from './new-tokens.js';
import { grpcCall, webSocketMessage } from './other-entrances.js';

/** Everything that is measured, in the order of the report. */
export function allScenarios(setting: Setting): readonly Scenario[] {
  const growth = forGrowth(setting);
  return [
    seenToken(setting),
    tenThousandTokens(setting),
    newToken(setting, 'RS256'),
    newToken(setting, 'ES256'),
    dpopRequest(setting),
    cachedOpaqueToken(setting),
    newConnection(setting),
    webSocketMessage(setting),
    grpcCall(setting),
    cachedTokens(growth),
    issuers(growth, 'seen'),
    issuers(growth, 'new'),
    publishedKeys(growth, 'seen'),
    publishedKeys(growth, 'new'),
    tokenScopes(growth),
    revokedTokens(growth),
    connections(growth),
    certificateSize(growth),
  ];
}
