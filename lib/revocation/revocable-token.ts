import { invalidToken } from '../challenge/oauth-error.js';
import type { Confirmation, TokenDescription } from '../decision.js';
import { issuerKey } from './revocation-entry.js';
import type { RevocationList } from './revocation-list.js';
import { SHAPE, type Shape, type TokenKey, tokenKey } from './token-key.js';

/** A known token, and what it can be revoked by. Its keys are made once, and looked up where the list has changed. */
export class RevocableToken {
  /** The version of the list at which it was good. */
  private goodAt = 0;
  private issuer: string | undefined;
  /** For each shape that the list has, in its order. */
  private readonly keys: (readonly TokenKey[])[] = [];
  /** The certificate that it is bound to, by its issuer and serial number; `undefined` where that is not known. */
  private certificate: string | undefined;

  constructor(
    private readonly described: TokenDescription,
    private readonly confirmation: Confirmation | undefined,
    private readonly list: RevocationList,
  ) {}

  /** Notes the certificate that it is bound to, which has been proved: before it is first asked whether it is good. */
  holdBy(certificate: () => string | undefined): void {
    this.certificate ??= certificate();
  }

  /** @throws OAuthError 401 `invalid_token` where it has been revoked, and 503 where that cannot be told */
  requireGood(): void {
    this.list.requireCurrent();
    if (this.isRevoked()) throw invalidToken('token_revoked', { detail: this.detail() });
  }

  isRevoked(): boolean {
    const { version } = this.list;
    if (this.goodAt === version) return false;
    if (this.isCutOff()) return true;
    this.goodAt = version;
    return false;
  }

  private isCutOff(): boolean {
    const { list, described } = this;
    // One that does not say when it was issued may be as old as any.
    const issuedAt = described.issuedAt ?? 0;
    this.issuer ??= issuerKey(described.issuer);
    const ofIssuer = list.cutoffOfIssuer(this.issuer);
    if (ofIssuer !== undefined && issuedAt <= ofIssuer) return true;
    return list.shapes.some((shape, index) =>
      this.keysAt(index, shape).some((key) => {
        const cutoff = list.cutoffOf(key);
        return cutoff !== undefined && issuedAt <= cutoff;
      }),
    );
  }

  private keysAt(index: number, shape: Shape): readonly TokenKey[] {
    return (this.keys[index] ??= keysOf(shape, this.described, this.confirmation, this.certificate));
  }

  private detail(): string {
    const { issuedAt } = this.described;
    return issuedAt === undefined ? 'it has no iat' : `issued at ${issuedAt}`;
  }
}

/** The keys of this shape that a token has: none where it lacks what the shape names. */
function keysOf(
  shape: Shape,
  described: TokenDescription,
  confirmation: Confirmation | undefined,
  certificate: string | undefined,
): readonly TokenKey[] {
  const { sub, sid } = described.claims;
  const session = textOf(sid);
  if ((shape & SHAPE.withoutSession) !== 0 && session !== undefined) return [];
  const others: readonly (readonly [number, string | undefined])[] = [
    [SHAPE.sessionId, session],
    [SHAPE.tokenId, described.tokenId],
    [SHAPE.clientId, described.clientId],
    [SHAPE.certificateThumbprint, confirmation?.certificateThumbprint],
    [SHAPE.certificate, certificate],
  ];
  const values = others.filter(([bit]) => (shape & bit) !== 0).map(([, value]) => value);
  if (!values.every((value) => value !== undefined)) return [];
  if ((shape & SHAPE.subject) === 0) return [tokenKey(shape, described.issuer, values)];
  // What is revoked goes by `sub`, wherever the app finds its users.
  const subjects = new Set([described.subject, textOf(sub)]);
  return [...subjects].flatMap((subject) =>
    subject === undefined ? [] : [tokenKey(shape, described.issuer, [subject, ...values])],
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
