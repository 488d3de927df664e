import { judgeCertificate } from './oracle-certificate.js';
import { readCredentials } from './oracle-credentials.js';
import { judgeProof, type Memory, rememberProof } from './oracle-dpop.js';
import { judgeToken } from './oracle-token.js';
import type { Observation } from './observation.js';
import type { Policy } from './policy.js';
import { type Members, membersOf, must, MustRefuse, type Verdict } from './verdict.js';

/**
 * An independent judge, written from the standards and from the words of the options, and sharing no code with the
 * library: it says whether a request must be refused. What it lets pass may be refused all the same: it says may.
 */
export class Oracle {
  private readonly memory: Memory = { used: new Map(), nonces: new Map() };

  constructor(private readonly policy: Policy) {}

  judge(seen: Observation): Verdict {
    try {
      return this.pass(seen);
    } catch (error) {
      if (error instanceof MustRefuse) return { verdict: 'must-refuse', why: error.message };
      throw error;
    }
  }

  /** The API has accepted this: its proof is used up. */
  accepted(seen: Observation, { boundBy }: Extract<Verdict, { readonly verdict: 'may-accept' }>): void {
    const { dpop } = this.policy;
    if (dpop !== undefined && boundBy.includes('dpop')) rememberProof(seen, dpop, this.memory);
  }

  /** The API has given out a nonce. */
  gave(nonce: string, now: number): void {
    this.memory.nonces.set(nonce, now);
  }

  private pass(seen: Observation): Verdict {
    const { policy } = this;
    const { scheme, token } = readCredentials(seen, policy.dpop !== undefined);
    const { issuer, claims } = judgeToken(token, policy, seen.introspected, seen.now / 1000);
    const cnf = this.confirmationOf(claims);
    must((scheme === 'dpop') === (cnf?.has('jkt') ?? false), 'RFC 9449 §7.1, §7.2: the scheme of the token');
    if (cnf === undefined) {
      must(policy.binding === 'if-bound', 'the policy: every token is bound');
      return { verdict: 'may-accept', issuer, claims, boundBy: [] };
    }
    if (cnf.has('x5t#S256')) judgeCertificate(seen, policy.certificate, cnf.get('x5t#S256'));
    if (cnf.has('jkt')) {
      must(policy.dpop !== undefined, 'RFC 7800 §3.1: jkt cannot be checked');
      judgeProof(seen, token, cnf.get('jkt'), policy.dpop, this.memory);
    }
    const boundBy = (['certificate', 'dpop'] as const).filter((by) =>
      cnf.has(by === 'dpop' ? 'jkt' : 'x5t#S256'),
    );
    return { verdict: 'may-accept', issuer, claims, boundBy };
  }

  /** RFC 7800 §3.1: an object, of which every method that is known must be met, and at least one. */
  private confirmationOf(claims: Members): Members | undefined {
    if (!claims.has('cnf')) return undefined;
    const cnf = membersOf(claims.get('cnf'));
    must(cnf !== undefined, 'RFC 7800 §3.1: cnf is an object');
    for (const method of ['jwk', 'jwe', 'kid', 'jku', 'osc']) {
      must(!cnf.has(method), `RFC 7800 §3.1: ${method} cannot be checked`);
    }
    must(cnf.has('x5t#S256') || cnf.has('jkt'), 'RFC 7800 §3.1: nothing that can be checked');
    return cnf;
  }
}
