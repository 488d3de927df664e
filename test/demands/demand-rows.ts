import {
  AllowAnonymous,
  AnyScope,
  AuthenticationContext,
  AuthorizationDetails,
  CertificateIssuedBy,
  Demand,
  Psd2Roles,
  RequireClaim,
  Scopes,
  SenderConstrained,
} from 'nestjs-cert-bound-auth';
import type { ClaimValue, Want } from './oracle.js';

/** A decorator of the library, and what it asks for, for the oracle. */
interface Part {
  readonly decorator: ClassDecorator & MethodDecorator;
  readonly want: Want;
}

/** One row: what is demanded of a handler. */
export interface DemandRow {
  /** What is behind “a handler that has”. */
  readonly says: string;
  readonly onClass: readonly Part[];
  readonly onMethod: readonly Part[];
}

const scopes = (...of: readonly string[]): Part => ({
  decorator: Scopes(...of),
  want: { kind: 'every scope', of },
});
const anyScope = (...of: readonly [string, string, ...string[]]): Part => ({
  decorator: AnyScope(...of),
  want: { kind: 'one scope', of },
});
const claim = (path: readonly string[], ...oneOf: readonly ClaimValue[]): Part => ({
  decorator: RequireClaim(path, ...oneOf),
  want: { kind: 'claim', path, oneOf },
});
const dotted = (path: string, ...oneOf: readonly ClaimValue[]): Part => ({
  decorator: RequireClaim(path, ...oneOf),
  want: { kind: 'claim', path: path.split('.'), oneOf },
});
const authentication = (needed: { readonly acr?: readonly string[]; readonly maxAge?: number }): Part => ({
  decorator: AuthenticationContext({
    ...(needed.acr === undefined ? {} : { acrValues: needed.acr }),
    ...(needed.maxAge === undefined ? {} : { maxAge: needed.maxAge }),
  }),
  want: { kind: 'authentication', ...needed },
});
const details = (...actions: readonly string[]): Part => ({
  decorator: AuthorizationDetails('payment', { actions }),
  want: { kind: 'details', type: 'payment', actions },
});
const proof = (by: 'certificate' | 'dpop' | 'any'): Part => ({
  decorator: SenderConstrained(by),
  want: { kind: 'proof', by },
});
const issuer = (of: 'CN=Test CA' | 'CN=Other CA'): Part => ({
  decorator: CertificateIssuedBy({ dn: of }),
  want: { kind: 'issuer', of },
});
const role: Part = { decorator: Psd2Roles('PSP_PI'), want: { kind: 'role' } };
const anonymous: Part = { decorator: AllowAnonymous(), want: { kind: 'anonymous' } };

const limit: Part = {
  decorator: AuthorizationDetails('transfer', async (detail) => Number(detail['limit']) >= 50),
  want: { kind: 'limit', type: 'transfer', atLeast: 50 },
};
const yes: Part = { decorator: Demand(() => true), want: { kind: 'own', met: true } };
const no: Part = { decorator: Demand(() => false), want: { kind: 'own', met: false } };
const throws: Part = {
  decorator: Demand(() => {
    throw new Error('no database');
  }),
  want: { kind: 'own', met: false },
};
const forUser: Part = {
  decorator: Demand(async ({ subject }) => subject === 'user-1'),
  want: { kind: 'own', met: 'for user-1' },
};
const noButScope: Part = {
  decorator: Demand(() => false, { challenge: { scope: ['big'] } }),
  want: { kind: 'own', met: false, remedy: { scope: ['big'] } },
};
const noButAcr: Part = {
  decorator: Demand(() => false, { challenge: { acrValues: ['gold'] } }),
  want: { kind: 'own', met: false, remedy: { acr: ['gold'] } },
};

const onMethod = (says: string, ...parts: readonly Part[]): DemandRow => ({
  says,
  onClass: [],
  onMethod: parts,
});
const onClass = (says: string, ...parts: readonly Part[]): DemandRow => ({
  says,
  onClass: parts,
  onMethod: [],
});
const onBoth = (says: string, ofClass: readonly Part[], ofMethod: readonly Part[]): DemandRow => ({
  says,
  onClass: ofClass,
  onMethod: ofMethod,
});

export const DEMANDS: readonly DemandRow[] = [
  onMethod('no demand'),
  onMethod("@Scopes('read')", scopes('read')),
  onMethod("@Scopes('read', 'write')", scopes('read', 'write')),
  onMethod("@AnyScope('read', 'write')", anyScope('read', 'write')),
  onMethod("@RequireClaim('department', 'audit')", dotted('department', 'audit')),
  onMethod(
    "@RequireClaim('realm_access.roles', 'clerk', 'admin')",
    dotted('realm_access.roles', 'clerk', 'admin'),
  ),
  onMethod(
    "@RequireClaim(['https://c.example.com/roles'], 'admin')",
    claim(['https://c.example.com/roles'], 'admin'),
  ),
  onMethod("@RequireClaim('groups', 'beta')", dotted('groups', 'beta')),
  onMethod("@RequireClaim('level', 2)", dotted('level', 2)),
  onMethod("@RequireClaim('vip')", dotted('vip')),
  onMethod('@AuthenticationContext() with acr', authentication({ acr: ['sca', 'mfa'] })),
  onMethod('@AuthenticationContext() with maxAge', authentication({ maxAge: 300 })),
  onMethod(
    '@AuthenticationContext() and @Scopes()',
    authentication({ acr: ['sca'], maxAge: 300 }),
    scopes('read', 'write'),
  ),
  onMethod('@AuthorizationDetails() of one action', details('pay')),
  onMethod('@AuthorizationDetails() of two actions', details('pay', 'cancel')),
  onMethod('@AuthorizationDetails() with a function', limit),
  onMethod('@Demand() that is met', yes),
  onMethod('@Demand() that is not met', no),
  onMethod('@Demand() that throws', throws),
  onMethod('@Demand() that some users meet', forUser),
  onMethod('@Demand() that a scope would meet', noButScope),
  onMethod('@Demand() that a stronger login would meet', noButAcr),
  onMethod("@SenderConstrained('certificate')", proof('certificate')),
  onMethod("@SenderConstrained('dpop')", proof('dpop')),
  onMethod("@SenderConstrained('any')", proof('any')),
  onMethod('@SenderConstrained() for both keys', proof('certificate'), proof('dpop')),
  onMethod('@CertificateIssuedBy() of the CA of the clients', issuer('CN=Test CA')),
  onMethod('@CertificateIssuedBy() of another CA', issuer('CN=Other CA')),
  onMethod(
    '@CertificateIssuedBy() and @RequireClaim()',
    dotted('department', 'audit'),
    issuer('CN=Other CA'),
  ),
  onMethod('@Psd2Roles() where no role counts', role, issuer('CN=Other CA')),
  onMethod('@AllowAnonymous()', anonymous),
  onMethod('@AllowAnonymous() and @Scopes()', anonymous, scopes('read')),
  onMethod(
    'one demand of each kind',
    proof('any'),
    dotted('department', 'audit'),
    authentication({ acr: ['sca'] }),
    scopes('read'),
    details('pay'),
    forUser,
  ),
  onClass("@Scopes('read') on its class", scopes('read')),
  onClass('@RequireClaim() on its class', dotted('department', 'audit')),
  onClass('@CertificateIssuedBy() on its class', issuer('CN=Test CA')),
  onClass('@AllowAnonymous() on its class', anonymous),
  onBoth('@Scopes() on its class and another one of its own', [scopes('read')], [scopes('write')]),
  onBoth(
    '@RequireClaim() on its class and @AuthenticationContext() of its own',
    [dotted('department', 'audit')],
    [authentication({ acr: ['sca'] })],
  ),
  onBoth(
    '@AuthenticationContext() with acr on its class and with maxAge of its own',
    [authentication({ acr: ['sca'] })],
    [authentication({ maxAge: 300 })],
  ),
  onBoth('@AuthorizationDetails() on its class and @Demand() of its own', [details('pay')], [forUser]),
  onBoth(
    "@SenderConstrained('certificate') on its class and 'dpop' of its own",
    [proof('certificate')],
    [proof('dpop')],
  ),
  onBoth("@SenderConstrained('dpop') on its class and 'any' of its own", [proof('dpop')], [proof('any')]),
  onBoth('@AllowAnonymous() on its class and @Scopes() of its own', [anonymous], [scopes('read')]),
  onBoth('@Scopes() on its class and @AllowAnonymous() of its own', [scopes('read')], [anonymous]),
];
