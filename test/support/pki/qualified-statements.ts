import type { TestCertificateExtension, TestCertificateOptions } from 'nestjs-cert-bound-auth/testing';
import type { Psd2Role } from '../../../lib/cert-bound-auth.options.js';
import { PSD2_ROLES } from '../../../lib/client-certificate/identity/qualified-statements.js';
import { identifier, sequence, tlv } from './der-writer.js';

export const WEB = '0.4.0.1862.1.6.3';
export const SEAL = '0.4.0.1862.1.6.2';

export function utf8(text: string): Buffer {
  return tlv(0x0c, Buffer.from(text));
}

/** A role as a certificate has it, with a name that may say something else. */
export function roleDer(role: Psd2Role, name: string = role): Buffer {
  const [oid = ''] = [...PSD2_ROLES].find(([, each]) => each === role) ?? [];
  return sequence(identifier(oid), utf8(name));
}

export interface StatementsSay {
  readonly types?: readonly string[];
  readonly roles: readonly Buffer[];
}

/** The value of the extension qcStatements (ETSI TS 119 495). */
export function statementsDer({ types = [WEB], roles }: StatementsSay): Buffer {
  return sequence(
    sequence(identifier('0.4.0.1862.1.1')),
    sequence(identifier('0.4.0.1862.1.6'), sequence(...types.map(identifier))),
    sequence(
      identifier('0.4.0.19495.2'),
      sequence(sequence(...roles), utf8('Federal Financial Supervisory Authority'), utf8('DE-BAFIN')),
    ),
  );
}

export function qualified(says: StatementsSay): TestCertificateExtension {
  return { oid: '1.3.6.1.5.5.7.1.3', value: statementsDer(says) };
}

/** The extended key usage with these purposes. */
export function purposes(...oids: readonly string[]): TestCertificateExtension {
  return { oid: '2.5.29.37', value: oids.length === 0 ? undefined : sequence(...oids.map(identifier)) };
}

export const TPP_SUBJECT = [
  { C: ['DE'] },
  { O: ['Example TPP GmbH'] },
  { '2.5.4.97': ['PSDDE-BAFIN-123456'] },
  { CN: ['tpp.example'] },
] as const;

/** What a QWAC of PSD2 says. */
export function qwac(...roles: readonly Psd2Role[]): TestCertificateOptions {
  return { subject: TPP_SUBJECT, extensions: [qualified({ roles: roles.map((role) => roleDer(role)) })] };
}

/** Every set of roles but the empty one. */
export const ROLE_COMBINATIONS: readonly (readonly Psd2Role[])[] = Array.from({ length: 15 }, (_, index) =>
  [...PSD2_ROLES.values()].filter((__, bit) => ((index + 1) & (1 << bit)) !== 0),
);
