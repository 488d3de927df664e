import type { InteractionIdOptions } from '../cert-bound-auth.options.js';

/**
 * What the open banking standards of some countries ask for, as `interactionId`: Brazil refuses what is missing or no UUID, and
 * the answer has a new one all the same; Australia's CDR generates what is missing and refuses what is no UUID; the United
 * Kingdom and the UAE generate both.
 * @example
 * ```ts
 * // for-root.ts
 * import { CertBoundAuthModule, INTERACTION_IDS } from 'nestjs-cert-bound-auth';
 *
 * export const auth = CertBoundAuthModule.forRoot({
 *   audience: 'https://api.bank.example',
 *   authorizationServers: [{ issuer: 'https://as.bank.example' }],
 *   interactionId: INTERACTION_IDS.brazil,
 * });
 * ```
 */
export const INTERACTION_IDS = {
  brazil: { missing: 'refuse', invalid: 'refuse' },
  cdr: { missing: 'generate', invalid: 'refuse' },
  uk: { missing: 'generate', invalid: 'generate' },
  uae: { missing: 'generate', invalid: 'generate' },
} as const satisfies Readonly<Record<string, InteractionIdOptions>>;
