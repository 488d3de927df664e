import type { AuthenticationRules } from '../authenticate-request.js';
import { invalidToken } from '../challenge/oauth-error.js';
import type { HttpRequest } from '../request/http-request.js';
import type { SentSession } from '../session/sent-session.js';
import type { Presented } from './situation.js';
import type { Steps } from './steps.js';

/** The token that a cookie stands for, and the certificate that it is sealed for. */
export interface ExplainedSession {
  readonly token: string;
  readonly certificate: Presented['certificate'];
}

/** Says what becomes of the cookie of a session, up to the token in it. @returns `undefined` where there is no way to the token */
export function explainSession(
  steps: Steps,
  request: HttpRequest,
  { sessions, certificateSource }: AuthenticationRules,
): ExplainedSession | undefined {
  const sent = steps.check(
    {
      stage: 'request',
      check: 'credentials',
      expected: 'one session, and no Authorization header',
      found: 'a cookie',
    },
    () => sessions?.sentIn(request),
  );
  if (sent.kind === 'failed' || sent.value === undefined) return undefined;
  const { value: session } = sent;
  steps.check(
    {
      stage: 'request',
      check: 'session_origin',
      expected: 'what no page of another site could make a browser send',
      found: 'its fetch metadata and headers',
    },
    () => session.requireOwnPage(),
  );
  return openSession(steps, session, certificateSource);
}

function openSession(
  steps: Steps,
  session: SentSession,
  certificateSource: AuthenticationRules['certificateSource'],
): ExplainedSession | undefined {
  const opened = steps.check(
    {
      stage: 'request',
      check: 'session',
      expected: 'a cookie that was sealed here for the certificate of the client, and is in use',
      found: 'the cookie',
    },
    () => {
      const certificate = certificateSource(session.request);
      if (certificate.kind === 'none') throw invalidToken(certificate.reason, { detail: certificate.detail });
      const inUse = session.open(certificate.certificate.thumbprint, Date.now() / 1_000);
      inUse.requireInUse();
      return { token: inUse.token, certificate };
    },
  );
  if (opened.kind === 'failed') return undefined;
  steps.hide(opened.value.token);
  return opened.value;
}
