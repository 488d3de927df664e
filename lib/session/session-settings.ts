import type { SessionOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';

type Secret = SessionOptions['secrets'][number];

/** How sessions are made, as configured. */
export type SessionSettings = SettingsOf<
  SessionOptions,
  never,
  { readonly secrets: readonly [Secret, ...(readonly Secret[])] }
>;
