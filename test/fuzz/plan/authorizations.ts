import type { SentHeader } from '../oracle/observation.js';
import type { AuthorizationChange } from './plan.js';

/** What there was before. */
interface Authorizing {
  readonly token: string;
  readonly scheme: 'Bearer' | 'DPoP';
  readonly value: string;
  readonly headers: readonly SentHeader[];
}

/** The headers named `Authorization`, changed. */
export function changeAuthorization(how: AuthorizationChange, before: Authorizing): readonly SentHeader[] {
  switch (how) {
    case 'none':
      return [];
    case 'twice':
      return [...before.headers, ['Authorization', before.value]];
    case 'twice, other case of the name':
      return [...before.headers, ['AUTHORIZATION', 'Basic dXNlcjpwYXNz']];
    case 'name in another case':
      return before.headers.map(([, text]): SentHeader => ['aUTHORIZATION', text]);
    default:
      return [['Authorization', changeValue(how, before)]];
  }
}

function changeValue(
  how: Exclude<
    AuthorizationChange,
    'none' | 'twice' | 'twice, other case of the name' | 'name in another case'
  >,
  { token, scheme, value }: Authorizing,
): string {
  switch (how) {
    case 'other scheme':
      return `Basic ${token}`;
    case 'swapped scheme':
      return `${scheme === 'DPoP' ? 'Bearer' : 'DPoP'} ${token}`;
    case 'no space':
      return `${scheme}${token}`;
    case 'two spaces':
      return `${scheme}  ${token}`;
    case 'tab':
      return `${scheme}\t${token}`;
    case 'comma':
      return `${scheme}, ${token}`;
    case 'quoted':
      return `${scheme} "${token}"`;
    case 'two tokens':
      return `${value} ${token}`;
    case 'joined':
      return `${value}, ${value}`;
    case 'scheme in capitals':
      return value.replace(/^\w+/, (text) => text.toUpperCase());
    case 'scheme in lower case':
      return value.replace(/^\w+/, (text) => text.toLowerCase());
    case 'spaces around':
      return `  ${value} \t`;
    case 'auth-param':
      return `${scheme} token="${token}"`;
    case 'padding behind':
      return `${value}==`;
    case 'not ASCII':
      return `${value}\u00e9`;
    case 'scheme twice':
      return `${scheme} ${value}`;
  }
}
