import type { ReplayStore } from '../cert-bound-auth.options.js';
import { createCertificateSource } from '../client-certificate/certificate-source.js';
import type { DpopRules } from '../dpop/check-dpop-proof.js';
import { createDpopRules } from '../dpop/dpop-rules.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { ResourceServer, type ResourceServerParts } from '../resource-server.js';
import { RevocationList } from '../revocation/revocation-list.js';
import { SessionCookies } from '../session/session-cookies.js';
import type { PolicyServers } from './exchange/app-authenticator.js';
import { knownOr, rememberedCertificate } from './exchange/remembered-certificate.js';
import { statusOfHttpException } from './http/access-refused.exception.js';

/** What decides where a route names no policy. */
export function createResourceServer(options: ResolvedOptions): ResourceServer {
  const { revocations: revocable, session } = options;
  const revocations = revocable === undefined ? undefined : new RevocationList(revocable);
  const sessions = session === undefined ? undefined : new SessionCookies(session);
  return new ResourceServer(options, { ...partsOf(options), revocations, sessions });
}

/**
 * What decides for each policy: with caches of its own, and of the app with nothing but what has been revoked, its sessions, and
 * the memory of used proofs, so that a proof which one has taken is used up for all.
 */
export function createPolicyServers(own: ResourceServer, { policies }: ResolvedOptions): PolicyServers {
  let used = own.proofRules?.replayStore;
  const servers = [...policies].map(([policy, { options, takesOverDpop }]): [string, ResourceServer] => {
    const dpop = takesOverDpop ? own.proofRules : proofRulesOf(options, used);
    used ??= dpop?.replayStore;
    const { revocations, sessions } = own;
    return [policy, own.forPolicy(options, { ...partsOf(options), policy, dpop, revocations, sessions })];
  });
  return new Map(servers);
}

function proofRulesOf({ dpop }: ResolvedOptions, used: ReplayStore | undefined): DpopRules | undefined {
  return dpop === undefined ? undefined : createDpopRules(dpop, used);
}

function partsOf({ clientCertificate }: ResolvedOptions): ResourceServerParts {
  return {
    statusOf: statusOfHttpException,
    certificateSource:
      clientCertificate.from === 'tls'
        ? rememberedCertificate
        : knownOr(createCertificateSource(clientCertificate)),
  };
}
