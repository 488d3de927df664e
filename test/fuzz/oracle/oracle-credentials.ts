import { type Observation, valuesOf } from './observation.js';
import { must } from './verdict.js';

/** A token and the scheme that it was sent by, in lower case. */
export interface Credentials {
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
}

/** RFC 9110 §11.4 and RFC 6750 §2.1: a scheme, spaces, one b64token. OWS around a value is not part of it (§5.5). */
const CREDENTIALS = /^(?<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+) +(?<token>[A-Za-z0-9._~+/-]+=*)$/;

/** The credentials of a request. @throws MustRefuse */
export function readCredentials(seen: Observation, dpop: boolean): Credentials {
  const values = valuesOf(seen, 'authorization');
  must(values.length === 1, 'RFC 9110 §11.6.2: one Authorization header');
  const groups = CREDENTIALS.exec((values[0] ?? '').replaceAll(/^[ \t]+|[ \t]+$/g, ''))?.groups;
  must(groups !== undefined, 'RFC 6750 §2.1: a scheme and a b64token');
  const scheme = groups['scheme']?.toLowerCase();
  must(scheme === 'bearer' || (dpop && scheme === 'dpop'), 'RFC 9449 §7.1: a scheme that is accepted');
  must(!isInQuery(seen.target), 'RFC 6750 §2: a second token in the query');
  must(!isInForm(seen), 'RFC 6750 §2: a second token in the form');
  return { scheme, token: groups['token'] ?? '' };
}

/** RFC 6750 §2.3, by the rules of forms (RFC 6749 appendix B). */
function isInQuery(target: string): boolean {
  const [, query = ''] = (target.split('#', 1)[0] ?? '').split(/\?(.*)/s);
  return query.split('&').some((pair) => formDecode(pair.split('=', 1)[0] ?? '') === 'access_token');
}

function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** RFC 6750 §2.2. */
function isInForm(seen: Observation): boolean {
  const [type = ''] = valuesOf(seen, 'content-type');
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) return false;
  return typeof seen.body === 'object' && seen.body !== null && Object.hasOwn(seen.body, 'access_token');
}
