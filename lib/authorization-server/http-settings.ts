import type {
  AuthorizationServerHttpOptions,
  AuthorizationServerTlsOptions,
} from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';

/** Limits and TLS of the calls to one authorization server, as configured. */
export interface AuthorizationServerHttpSettings extends SettingsOf<AuthorizationServerHttpOptions, 'proxy'> {
  readonly tls: AuthorizationServerTlsOptions;
}
