import type { CertificateName } from '../fuzz-kit.js';
import type { Binding, TokenKind } from '../setups.js';
import type { Edit } from './edit.js';

/** What the fuzzer decides to send: it holds no bytes, so that fast-check can make it smaller and print it. */
export interface Plan {
  /** Which of the configurations. */
  readonly setup: number;
  readonly kind: TokenKind;
  readonly binding: Binding;
  /** Whether the server, `a` or `b`, has issued the token, and with which of its keys. */
  readonly issuer: 'a' | 'b';
  readonly key: number;
  /** Which key the client proves by DPoP. */
  readonly clientKey: number;
  /** Which of the public URLs the client calls, and what below it. */
  readonly publicUrl: 0 | 1;
  readonly path: string;
  readonly method: string;
  /** Milliseconds behind the full second. */
  readonly millis: number;
  /** Changes that leave everything right. */
  readonly variations: readonly Change[];
  /** Changes that may make it wrong. */
  readonly faults: readonly Change[];
  /** Whether the token comes a second time. */
  readonly again?: Again;
}

/** How a token comes a second time. */
export interface Again {
  /** Seconds later. */
  readonly after: number;
  readonly proof: 'same' | 'new';
  readonly change?: Change;
}

/** A JSON object that an input is made of. */
export type JsonPart =
  'header' | 'claims' | 'cnf' | 'answer' | 'answer cnf' | 'proof header' | 'proof claims' | 'jwk';

/** One change of a right input. */
export type Change =
  | { readonly at: JsonPart; readonly edit: Edit }
  | { readonly at: 'signature' | 'proof signature'; readonly how: SignatureChange }
  | { readonly at: 'token text' | 'proof text'; readonly part: 0 | 1 | 2; readonly how: SpellingChange }
  | { readonly at: 'whole token'; readonly text: string }
  | { readonly at: 'authorization'; readonly how: AuthorizationChange }
  | {
      readonly at: 'proof headers';
      readonly how: 'none' | 'twice' | 'joined' | 'empty' | 'other case' | 'garbage';
    }
  | { readonly at: 'certificate'; readonly name: CertificateName | 'none' }
  | { readonly at: 'certificate header'; readonly how: CertificateHeaderChange; readonly text: string }
  | { readonly at: 'verdict'; readonly value: string }
  | { readonly at: 'address' }
  | { readonly at: 'answer shape'; readonly how: AnswerShape }
  | { readonly at: 'target'; readonly how: TargetChange }
  | { readonly at: 'htu'; readonly how: HtuChange }
  | {
      readonly at: 'body';
      readonly how: 'form' | 'form with token' | 'json with token' | 'form type in another case';
    }
  | { readonly at: 'other headers'; readonly name: string; readonly value: string };

export type SignatureChange =
  | 'none'
  | 'foreign key'
  | 'key of the other issuer'
  | 'another key of the issuer'
  | 'HMAC with the public PEM'
  | 'HMAC with the public JWK'
  | 'HMAC with the public DER'
  | 'a bit changed'
  | 'cut'
  | 'longer'
  | 'zeros'
  | 'DER'
  | 'of something else'
  | 'malleated';

export type SpellingChange =
  | 'padded'
  | 'other alphabet'
  | 'last bits'
  | 'a character in it'
  | 'empty'
  | 'left out'
  | 'twice'
  | 'one character less'
  | 'a dot behind'
  | 'null bytes';

export type AuthorizationChange =
  | 'none'
  | 'other scheme'
  | 'no space'
  | 'two spaces'
  | 'tab'
  | 'comma'
  | 'quoted'
  | 'twice'
  | 'twice, other case of the name'
  | 'two tokens'
  | 'joined'
  | 'scheme in capitals'
  | 'scheme in lower case'
  | 'spaces around'
  | 'auth-param'
  | 'padding behind'
  | 'not ASCII'
  | 'scheme twice'
  | 'swapped scheme'
  | 'name in another case';

export type CertificateHeaderChange =
  | 'of another client'
  | 'none'
  | 'twice'
  | 'twice, other case of the name'
  | 'two joined'
  | 'text'
  | 'text before'
  | 'text behind'
  | 'text within'
  | 'percent-encoded'
  | 'percent-encoded twice'
  | 'percent signs'
  | 'other alphabet'
  | 'no padding'
  | 'cut'
  | 'byte behind the DER'
  | 'byte changed'
  | 'in quotes'
  | 'spaces for plus signs'
  | 'another format'
  | 'with its chain'
  | 'hop in front'
  | 'hop behind'
  | 'hash only'
  | 'hash of another'
  | 'underscores';

export type AnswerShape =
  | 'undefined'
  | 'failed'
  | 'null'
  | 'array'
  | 'text'
  | 'number'
  | 'no active'
  | 'inactive'
  | 'active as text'
  | 'active as number'
  | 'nested';

export type TargetChange =
  | 'query'
  | 'token in the query'
  | 'token in the query, encoded'
  | 'token name alone in the query'
  | 'fragment'
  | 'absolute form'
  | 'absolute form of another host'
  | 'dots'
  | 'encoded dots'
  | 'two slashes'
  | 'asterisk'
  | 'empty'
  | 'another path'
  | 'path in capitals'
  | 'encoded slash'
  | 'high octets';

export type HtuChange =
  | 'query'
  | 'fragment'
  | 'capitals of scheme and host'
  | 'capitals of the path'
  | 'default port'
  | 'empty port'
  | 'port with zeros'
  | 'other port'
  | 'dots'
  | 'encoded letters'
  | 'encoded slash'
  | 'http'
  | 'userinfo'
  | 'other host'
  | 'host with a dot behind'
  | 'encoded host'
  | 'wide host'
  | 'soft hyphen in the host'
  | 'relative'
  | 'backslashes'
  | 'space'
  | 'tab'
  | 'newline'
  | 'slash behind'
  | 'two slashes'
  | 'other public URL'
  | 'no path';
