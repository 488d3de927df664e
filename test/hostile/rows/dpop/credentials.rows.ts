import type { HostileRequest } from '../../request.js';
import type { DpopKit } from '../../dpop-kit.js';
import {
  BEARER_INVALID_REQUEST,
  INVALID_REQUEST,
  INVALID_TOKEN,
  NO_CREDENTIALS,
  requestRows,
  UNTOLD_INVALID_REQUEST,
  type Variants,
} from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

const FORM = 'application/x-www-form-urlencoded';
const BASIC = `Basic ${Buffer.from('user:password').toString('base64')}`;

/** What stands in `Authorization`, beside a proof that is right for this token. */
type AuthorizationOf = (token: string, kit: DpopKit) => string;

function authorizations(values: Readonly<Record<string, AuthorizationOf>>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.entries(values).map(([name, authorizationOf]) => [
      name,
      (kit: DpopKit) => {
        const token = kit.jwt();
        return { ...kit.dpop(token), authorization: authorizationOf(token, kit) };
      },
    ]),
  );
}

const none: readonly HostileRow[] = requestRows('RFC9449-7', NO_CREDENTIALS, {
  'nothing sent': () => ({ certificate: 'none' }),
  'nothing sent but a certificate': (kit) => ({ certificate: kit.hostile.client1 }),
  'nothing sent, HEAD': () => ({ certificate: 'none', method: 'HEAD' }),
  // A proof shows a key, and asks for nothing.
  'a proof without a token': (kit) => ({
    certificate: 'none',
    headers: ['DPoP', kit.proof(kit.jwt())],
  }),
  'two proofs without a token': () => ({ certificate: 'none', headers: ['DPoP', 'x', 'DPoP', 'y'] }),
  'rubbish for a proof, without a token': () => ({ certificate: 'none', headers: ['DPoP', '%%%"'] }),
  ...authorizations({
    'an empty Authorization header': () => '',
    Basic: () => BASIC,
    'the token by itself': (token) => token,
    'a scheme that begins with DPoP': (token) => `DPoPs ${token}`,
    'a scheme that ends with DPoP': (token) => `X-DPoP ${token}`,
    'a scheme of DPoP and Bearer': (token) => `DPoP-Bearer ${token}`,
    'Basic, then DPoP, in one header': (token) => `${BASIC}, DPoP ${token}`,
  }),
});

/** A field that begins with the scheme DPoP and goes on wrongly is malformed (RFC 9449 §7.1: 1*SP token68). */
const malformed: readonly HostileRow[] = [
  ...requestRows('RFC9449-7', INVALID_REQUEST, {
    ...authorizations({
      'DPoP alone': () => 'DPoP',
      'dpop alone': () => 'dpop',
      'DPoP and spaces': () => 'DPoP     ',
      'DPoP and a tab': (token) => `DPoP\t${token}`,
      'DPoP, a space and a tab': (token) => `DPoP \t${token}`,
      'DPoP and a comma': () => 'DPoP,',
      'DPoP, a colon and the token': (token) => `DPoP: ${token}`,
      'DPoP=token': (token) => `DPoP=${token}`,
      'two tokens': (token, kit) => `DPoP ${token} ${kit.jwt()}`,
      'the same token twice': (token) => `DPoP ${token} ${token}`,
      'the scheme twice': (token) => `DPoP DPoP ${token}`,
      'token and proof in one header': (token, kit) => `DPoP ${token} ${kit.proof(token)}`,
      'DPoP, then Bearer, by a comma': (token) => `DPoP ${token}, Bearer ${token}`,
      'two credentials, by a comma without a space': (token) => `DPoP ${token},${BASIC}`,
      'a comma behind the token': (token) => `DPoP ${token},`,
      'a semicolon behind the token': (token) => `DPoP ${token};`,
      'the token in quotes': (token) => `DPoP "${token}"`,
      'the token as a parameter': (token) => `DPoP token="${token}"`,
      'a percent sign': (token) => `DPoP ${token}%20`,
      'a backslash': (token) => `DPoP ${token}\\`,
      'quotes that would end error_description': () => 'DPoP x", error="none", algs="none',
      'markup in the token': () => 'DPoP <script>alert(1)</script>',
      'equals signs only': () => 'DPoP ====',
      'letters beyond ASCII': () => 'DPoP t\u00f6ken-of-mine-that-is-long',
      // Values that make a regular expression with backtracking take its time.
      'eight thousand spaces and no token': () => `DPoP${' '.repeat(8000)}!`,
      'eight thousand equals signs and a sign too much': () => `DPoP a${'='.repeat(8000)}!`,
    }),
  }),
  ...requestRows('RFC9449-7', BEARER_INVALID_REQUEST, {
    ...authorizations({
      'Bearer, then DPoP, by a comma': (token) => `Bearer ${token}, DPoP ${token}`,
      'Bearer alone, beside a proof': () => 'Bearer',
      'Bearer and the scheme DPoP as its token, then the token': (token) => `Bearer DPoP ${token}`,
    }),
  }),
  ...requestRows('RFC9449-3', INVALID_TOKEN, {
    'a token of one letter': (kit) => kit.dpop('x'),
    'the token "null"': (kit) => kit.dpop('null'),
    'the token "__proto__"': (kit) => kit.dpop('__proto__'),
    'the scheme as the token': (kit) => kit.dpop('DPoP'),
    'eight thousand letters': (kit) => kit.dpop('A'.repeat(8000)),
    'the proof in place of the token': (kit) => kit.dpop(kit.proof(kit.jwt())),
  }),
];

/** Which of several a proxy, a cache and the API look at may differ: so none of them counts. */
const repeated: readonly HostileRow[] = requestRows('RFC9449-7', UNTOLD_INVALID_REQUEST, {
  'the same Authorization header twice': twice((token) => `DPoP ${token}`),
  'two Authorization headers, the second in another case': twice((token) => `DPoP ${token}`, 'AUTHORIZATION'),
  'two Authorization headers, DPoP and Bearer': twice((token) => `Bearer ${token}`),
  'two Authorization headers, DPoP and Basic': twice(() => BASIC),
  'two Authorization headers, DPoP and nothing': twice(() => ''),
  'two Authorization headers, Bearer and DPoP': (kit) => {
    const request = twice((token) => `DPoP ${token}`)(kit);
    const bearer = kit.hostile.jwt();
    return { ...request, authorization: `Bearer ${bearer}`, certificate: kit.hostile.client1 };
  },
});

function twice(second: (token: string) => string, name = 'Authorization'): (kit: DpopKit) => HostileRequest {
  return (kit) => {
    const token = kit.jwt();
    return kit.dpop(token, { headers: [name, second(token)] });
  };
}

/** RFC 6750 §2, RFC 9700 §4.3.2: one way only, and that is the header. */
const elsewhere: readonly HostileRow[] = [
  ...requestRows('RFC6750-4', INVALID_REQUEST, {
    'header and query': (kit) => kit.dpop(kit.jwt(), { query: `access_token=${kit.jwt()}` }),
    'header and query, the same token': (kit) => {
      const token = kit.jwt();
      return kit.dpop(token, { query: `access_token=${token}` });
    },
    'header and query, name percent-encoded': (kit) => kit.dpop(kit.jwt(), { query: 'access%5Ftoken=x' }),
    'header and query, behind another parameter': (kit) =>
      kit.dpop(kit.jwt(), { query: 'a=1&access_token=x' }),
    'header and form': (kit) => kit.dpop(kit.jwt(), { body: { type: FORM, text: 'access_token=x' } }),
    'header, query and form': (kit) =>
      kit.dpop(kit.jwt(), { query: 'access_token=x', body: { type: FORM, text: 'access_token=x' } }),
  }),
  ...requestRows('RFC9700', NO_CREDENTIALS, {
    'token in the query, a proof beside': (kit) => {
      const token = kit.jwt();
      return {
        certificate: 'none',
        query: `access_token=${token}&token_type=DPoP`,
        headers: ['DPoP', kit.proof(token)],
      };
    },
    'token in the form, a proof beside': (kit) => {
      const token = kit.jwt();
      const proof = kit.proof(token, { claims: { htm: 'POST' } });
      const body = { type: FORM, text: `access_token=${token}` };
      return { certificate: 'none', body, headers: ['DPoP', proof] };
    },
    'token in X-Authorization, a proof beside': (kit) => {
      const token = kit.jwt();
      return {
        certificate: 'none',
        headers: ['X-Authorization', `DPoP ${token}`, 'DPoP', kit.proof(token)],
      };
    },
  }),
];

/** How a request carries its token. */
export const CREDENTIALS_ROWS = [...none, ...malformed, ...repeated, ...elsewhere];
