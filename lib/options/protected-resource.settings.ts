import { IsIn } from './class-validator.js';
import { isScope } from '../authorization/demands.js';
import { isLoopback } from '../authorization-server/loopback.js';
import type { MetadataSignature, ProtectedResourceOptions } from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import { checkSigningKey } from './check-private-key.js';
import { Declares } from './declared-options.js';
import {
  Given,
  HasNoProblems,
  IsGroup,
  IsNumberFrom,
  IsText,
  isText,
  isTexts,
  Satisfies,
} from './option-checks.js';

/** How a document of metadata is signed. */
export type MetadataSignatureSettings = SettingsOf<MetadataSignature, 'keyId'>;

@Declares<MetadataSignature>()
class CheckedMetadataSignature implements MetadataSignatureSettings {
  @HasNoProblems(checkSigningKey) readonly key!: MetadataSignature['key'];
  @IsText('give the iss of the JWT') readonly issuer!: string;
  @Given() @IsText('give the key id as a string') readonly keyId: string | undefined;

  @IsIn(JWS_ALGORITHMS, { message: `use one of ${JWS_ALGORITHMS.join(', ')}` })
  readonly algorithm!: MetadataSignature['algorithm'];
}

/** What an API tells of itself. */
export type ProtectedResourceSettings = SettingsOf<
  ProtectedResourceOptions,
  | 'name'
  | 'documentation'
  | 'policyUri'
  | 'termsOfServiceUri'
  | 'scopesSupported'
  | 'authorizationDetailsTypes'
  | 'signWith',
  { readonly signWith: MetadataSignatureSettings | undefined }
>;

const RESOURCE =
  "give the URL by which clients call this API, as 'https://api.example.com/payments': https:, or http: and a loopback " +
  'address, without a fragment and userinfo';
const PAGE = 'give the https: URL of a page';

@Declares<ProtectedResourceOptions>()
export class CheckedProtectedResourceOptions implements ProtectedResourceSettings {
  @Satisfies('resource', RESOURCE, isResource) readonly resource!: string;
  @Given() @IsText('give a name') readonly name: string | undefined;
  @Given() @Satisfies('page', PAGE, isPage) readonly documentation: string | undefined;
  @Given() @Satisfies('page', PAGE, isPage) readonly policyUri: string | undefined;
  @Given() @Satisfies('page', PAGE, isPage) readonly termsOfServiceUri: string | undefined;

  @Given()
  @Satisfies('scopes', "use 'enforced', or list the scopes; offline_access is none of an API", areScopes)
  readonly scopesSupported: ProtectedResourceOptions['scopesSupported'];

  @Given()
  @Satisfies('types', "use 'enforced', or list the types of authorization_details", isEnforcedOrTexts)
  readonly authorizationDetailsTypes: ProtectedResourceOptions['authorizationDetailsTypes'];

  @Given() @IsNumberFrom(0, 86_400, 'seconds') readonly maxAge: number = 3600;

  @Given()
  @IsGroup('give { key, algorithm, issuer }', () => CheckedMetadataSignature)
  readonly signWith: CheckedMetadataSignature | undefined;
}

/** It becomes part of a quoted text, and is compared as it stands: so it must need no escape. */
const PLAIN_URL = /^https?:\/\/[^/?#@]+(?:[/?][^#]*)?$/;
const NEEDS_ESCAPE = /[^\x21-\x7e]|["<>\\^`{|}]/;

function isResource(value: unknown): boolean {
  if (!isText(value) || !PLAIN_URL.test(value) || NEEDS_ESCAPE.test(value) || !URL.canParse(value))
    return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || isLoopback(hostname);
}

function isPage(value: unknown): boolean {
  return isText(value) && URL.canParse(value) && new URL(value).protocol === 'https:';
}

function areScopes(value: unknown): boolean {
  if (value === 'enforced') return true;
  return Array.isArray(value) && value.every((scope) => isScope(scope) && scope !== 'offline_access');
}

function isEnforcedOrTexts(value: unknown): boolean {
  return value === 'enforced' || isTexts(value);
}
