import { IsBoolean, IsObject, ValidateIf, ValidateNested } from './class-validator.js';
import type { CertificateTrustOptions } from '../cert-bound-auth.options.js';
import type { HeaderCertificateSettings } from '../client-certificate/certificate-settings.js';
import type { SettingsOf } from '../common/settings-of.js';
import { type CaTrustError, readCaTrust } from '../client-certificate/chain/ca-trust.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { Declares, hasOptions } from './declared-options.js';
import { Given, IsMaterial } from './option-checks.js';

const TRUST = `say who verifies the chain: 'proxy', { ca } or 'any'`;

type CertificateTrustSettings = SettingsOf<CertificateTrustOptions, 'intermediates'>;

@Declares<CertificateTrustOptions>()
class CheckedCertificateTrust implements CertificateTrustSettings {
  @IsMaterial('or-list') readonly ca!: CertificateTrustSettings['ca'];

  @Given() @IsMaterial('or-list') readonly intermediates: CertificateTrustSettings['intermediates'];

  @Given() @IsBoolean({ message: 'use true or false' }) readonly partialChains: boolean = false;
}

/** Somebody else, nobody, or this app by some CAs. */
export function IsTrust(): PropertyDecorator {
  return (target, name) => {
    hasOptions('group', () => CheckedCertificateTrust)(target, name);
    ValidateNested()(target, name);
    IsObject({ message: TRUST })(target, name);
    ValidateIf((_, value) => value !== 'proxy' && value !== 'any')(target, name);
  };
}

/** Checks that the CAs can be used so; each has the right type already. */
export function checkTrust(trust: HeaderCertificateSettings['trust']): readonly ConfigurationProblem[] {
  if (typeof trust === 'string') return [];
  try {
    readCaTrust(trust);
    return [];
  } catch (error) {
    const { field, message } = error as CaTrustError;
    return [problem(`clientCertificate.trust.${field}`, trust[field], `it cannot be used: ${message}`)];
  }
}
