import { createHash, randomUUID } from 'node:crypto';
import { HostileKit, type JwtDifference, PUBLIC_URL, seconds } from './hostile-kit.js';
import type { HostileRequest } from './request.js';
import { compactJws, jsonText, type Signer } from './raw-jws.js';
import { type DpopKey, type DpopKeys, generateDpopKeys } from './dpop-keys.js';

type Members = Readonly<Record<string, unknown>>;

/** What differs from a proof that is right in everything. */
export interface ProofDifference {
  /** Claims added or replaced, as values or as raw JSON; `undefined` removes one. */
  readonly claims?: Members;
  /** Header members, likewise. */
  readonly header?: Members;
  /** The key that signs, and that stands in the header. @default the client's */
  readonly key?: DpopKey;
  readonly signer?: Signer;
}

/** The mint of the proofs and of the tokens that are bound to their keys, beside that of {@link HostileKit}. */
export class DpopKit {
  private constructor(
    /** Certificates, authorization servers and tokens. */
    readonly hostile: HostileKit,
    readonly keys: DpopKeys,
  ) {}

  static async start(): Promise<DpopKit> {
    return new DpopKit(await HostileKit.start(), generateDpopKeys());
  }

  async stop(): Promise<void> {
    await this.hostile.stop();
  }

  /** A JWT bound to the client's key and to nothing else, but for this difference. */
  jwt({ claims, ...rest }: JwtDifference = {}): string {
    return this.hostile.jwt({ ...rest, claims: { cnf: this.jkt(), ...claims } });
  }

  /** A JWT with this `cnf`. */
  jwtWith(cnf: unknown): string {
    return this.jwt({ claims: { cnf } });
  }

  /** An opaque token bound to the client's key, but for this difference in what introspection answers. */
  opaque(difference: Members = {}): string {
    return this.hostile.opaque({ cnf: this.jkt(), ...difference });
  }

  /** `cnf` of a key. @param key by default the client's */
  jkt({ jkt }: DpopKey = this.keys.client): { readonly jkt: string } {
    return { jkt };
  }

  /** `cnf` of client1's certificate. */
  get x5t(): { readonly 'x5t#S256': string } {
    return { 'x5t#S256': this.hostile.client1.thumbprint };
  }

  /** `cnf` of client1's certificate and of the client's key. */
  get both(): object {
    return { ...this.x5t, ...this.jkt() };
  }

  /** Header of a proof. */
  header(difference: Members = {}, { alg, jwk }: DpopKey = this.keys.client): Members {
    return { typ: 'dpop+jwt', alg, jwk, ...difference };
  }

  /** Claims of a proof for GET /main with this token. */
  claims(token: string, difference: Members = {}): Members {
    return {
      jti: randomUUID(),
      htm: 'GET',
      htu: `${PUBLIC_URL}/main`,
      iat: seconds(),
      ath: digestOf(token),
      ...difference,
    };
  }

  /** A proof for GET /main with this token, but for this difference. */
  proof(token: string, { claims, header, key = this.keys.client, signer }: ProofDifference = {}): string {
    return compactJws(
      jsonText(this.header(header, key)),
      jsonText(this.claims(token, claims)),
      signer ?? key.signer,
    );
  }

  /** A proof for GET /main with this token, right in everything, of this many characters or up to three fewer. */
  proofOfLength(token: string, most: number, note = ''): string {
    const proof = this.proof(token, { claims: { note } });
    const missing = most - proof.length;
    // Three bytes are four characters.
    return missing < 4
      ? proof
      : this.proofOfLength(token, most, note + 'n'.repeat(Math.floor(missing / 4) * 3));
  }

  /** Sends a token with a proof for this very request, but for this difference, and without a certificate. */
  dpop(token: string, rest: Partial<HostileRequest> = {}, difference: ProofDifference = {}): HostileRequest {
    const claims = { ...targetOf(rest), ...difference.claims };
    return this.carry(token, this.proof(token, { ...difference, claims }), rest);
  }

  /** Sends a token with this text as its proof. */
  carry(token: string, proof: string, rest: Partial<HostileRequest> = {}): HostileRequest {
    return {
      authorization: `DPoP ${token}`,
      certificate: 'none',
      ...rest,
      headers: ['DPoP', proof, ...(rest.headers ?? [])],
    };
  }
}

/** `ath` of a token (RFC 9449 §4.2). */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** What the proof says of a request. */
function targetOf({ method, body, path = '/main' }: Partial<HostileRequest>): Members {
  return { htm: method ?? (body === undefined ? 'GET' : 'POST'), htu: `${PUBLIC_URL}${path}` };
}
