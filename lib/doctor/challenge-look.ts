import { quoted } from '../common/quoted.js';
import { REMEDIES } from '../explain/remedies.js';
import type { Asked } from './ask.js';
import { challengeOf } from './call-api.js';
import { note, ok, problem, type Seen } from './finding.js';

/** What an API answers without a token. @param hasCertificate whether the call had a certificate */
export function seeChallenge(asked: Asked, hasCertificate: boolean): Seen {
  switch (asked.kind) {
    case 'failed':
      return problem(
        asked.problem,
        'Look at what is said of its TLS; else whether it runs and can be reached.',
      );
    case 'refused':
      return hasCertificate
        ? problem(
            `it refuses our certificate in the handshake (${asked.problem})`,
            REMEDIES.certificate_untrusted,
          )
        : note(
            `it refuses whoever has no certificate in the handshake (${asked.problem})`,
            'Give one by --cert and --key.',
          );
    case 'answered':
      return seeStatus(asked.status, challengeOf(asked));
  }
}

function seeStatus(status: number, challenge: string): Seen {
  if (status === 401) return seeUnauthorized(challenge);
  const found = `${status} without a token, where 401 was expected`;
  if (status < 300)
    return problem(
      found,
      'This path is open. Is CertBoundAuthModule imported, globalGuards on, and the path not in publicPaths or under @Public()?',
    );
  if (status < 400)
    return problem(
      found,
      'Something in front of the API redirects, as a login page does: call the API itself.',
    );
  if (status === 403)
    return problem(found, 'Something in front of the API refuses before it: a firewall, or another guard.');
  if (status === 404)
    return problem(
      found,
      'The API answers unknown paths with 401: this is not it. Look at the URL, and where the proxy leads.',
    );
  return problem(
    found,
    status >= 500
      ? 'Look at the log of the API, and whether the proxy reaches it.'
      : 'Look at the log of the API.',
  );
}

function seeUnauthorized(challenge: string): Seen {
  const schemes = ['Bearer', 'DPoP'].filter((scheme) =>
    new RegExp(`(?:^|, *)${scheme}(?: |,|$)`, 'i').test(challenge),
  );
  if (schemes.length > 0) return ok(`401, and a challenge for ${schemes.join(' and ')}`);
  return challenge === ''
    ? problem(
        '401 without WWW-Authenticate',
        'Look whether a proxy removes it, or another guard answers first.',
      )
    : problem(
        `401, and a challenge for neither Bearer nor DPoP: ${quoted(challenge)}`,
        'Another guard or a proxy answers first.',
      );
}
