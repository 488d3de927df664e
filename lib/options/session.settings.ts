import type { SessionOptions } from '../cert-bound-auth.options.js';
import type { SessionSettings } from '../session/session-settings.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { Declares } from './declared-options.js';
import {
  areOrigins,
  BARE,
  Given,
  HasNoProblems,
  IsNumberFrom,
  isBare,
  isHeaderName,
  isLongSecret,
  Satisfies,
} from './option-checks.js';

const MOST_SECRETS = 10;
const DAY = 86_400;

@Declares<SessionOptions>()
export class CheckedSessionOptions implements SessionSettings {
  @HasNoProblems(checkSecrets) readonly secrets!: SessionSettings['secrets'];

  @Given()
  @Satisfies('cookie', "give a name that begins with '__Host-', as '__Host-session'", isHostCookie)
  readonly cookie: string = '__Host-session';

  @Given() @IsNumberFrom(1, 7 * DAY, 'seconds') readonly lifetime: number = 3_600;
  @Given() @IsNumberFrom(1, 7 * DAY, 'seconds') readonly idle: number = 900;

  @Given()
  @Satisfies(
    'csrfHeader',
    "give the name of a header that no form can send, as 'X-Requested-With'",
    isOwnHeader,
  )
  readonly csrfHeader: string = 'X-Requested-With';

  @Given()
  @Satisfies('origins', "give a list of origins, each as 'https://app.example.com'", areOrigins)
  readonly origins: readonly string[] = [];
}

function checkSecrets(secrets: unknown, path: string): readonly ConfigurationProblem[] {
  if (!Array.isArray(secrets) || secrets.length === 0 || secrets.length > MOST_SECRETS) {
    const remedy = `give a list of 1 to ${MOST_SECRETS} secrets, the same on all instances: the first seals, all open`;
    return [problem(path, secrets, remedy)];
  }
  return secrets.flatMap((secret: unknown, index) => checkSecret(secret, `${path}[${index}]`));
}

function checkSecret(secret: unknown, path: string): readonly ConfigurationProblem[] {
  if (!isLongSecret(secret)) return [problem(path, secret, 'give at least 32 bytes')];
  return isBare(secret) ? [] : [problem(path, secret, BARE)];
}

/** With this prefix a browser takes it from this very host alone, over TLS, for all of its paths (RFC 6265bis §4.1.3.2). */
function isHostCookie(name: unknown): boolean {
  return typeof name === 'string' && /^__Host-[!#$%&'*+\-.^_`|~\w]{1,64}$/.test(name);
}

/** What a page may send to any origin without being asked (Fetch §2.2.2), or what browsers set themselves, says nothing. */
const ANYBODYS =
  /^(?:accept|accept-language|content-language|content-type|range|user-agent|sec-.*|proxy-.*)$/i;

/** Headers of which every request has some, or that this module reads otherwise. */
const USUAL = new Set(
  'accept-encoding authorization connection content-length cookie date dnt dpop expect host keep-alive origin referer te trailer transfer-encoding upgrade via'.split(
    ' ',
  ),
);

function isOwnHeader(name: unknown): boolean {
  return (
    typeof name === 'string' && isHeaderName(name) && !ANYBODYS.test(name) && !USUAL.has(name.toLowerCase())
  );
}
