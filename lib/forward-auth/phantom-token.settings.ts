import { Allow, IsIn } from '../options/class-validator.js';
import type { SettingsOf } from '../common/settings-of.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { checkSigningKey } from '../options/check-private-key.js';
import { type ConfigurationProblem, problem } from '../options/configuration-error.js';
import { type Declaration, Declares, parentOf, problemsOfSettings } from '../options/declared-options.js';
import {
  Given,
  HasNoProblems,
  IsNumberFrom,
  IsText,
  isClaimPaths,
  isTextOrTexts,
  Satisfies,
} from '../options/option-checks.js';
import type { IntrospectedPhantomToken, MintedPhantomToken } from './forward-auth.options.js';
import type { MintedPhantomTokenSettings } from './phantom-token.js';

const HEADER = "use 'Authorization', or a name that begins with 'X-' and is none of credentialHeaders";
const UNSIGNED =
  "every server needs introspection with responseFormat: 'jwt', and jwt: false or tokens: 'all': " +
  'without a signed answer there is nothing to hand on';

@Declares<IntrospectedPhantomToken>()
class CheckedIntrospectedPhantomToken implements SettingsOf<IntrospectedPhantomToken> {
  @Given() @Satisfies('header', HEADER, isFreeHeader) readonly header: string = 'Authorization';
  @Satisfies('from', UNSIGNED, (_, owner) => isAlwaysSigned(owner)) readonly from = 'introspection';
}

@Declares<MintedPhantomToken>()
class CheckedMintedPhantomToken implements MintedPhantomTokenSettings {
  @Allow() readonly from = 'key';
  @Given() @Satisfies('header', HEADER, isFreeHeader) readonly header: string = 'Authorization';
  @HasNoProblems(checkSigningKey) readonly key!: MintedPhantomToken['key'];
  @IsText('give the iss of the JWTs') readonly issuer!: string;
  @Given() @IsText('give the key id as a string') readonly keyId: string | undefined;

  @Given()
  @Satisfies('audience', 'give aud values', isTextOrTexts)
  readonly audience: MintedPhantomToken['audience'];

  @Given() @IsNumberFrom(1, 3600, 'seconds') readonly lifetime: number = 60;

  @Given()
  @Satisfies('claims', 'give a list of names or paths of claims', isClaimPaths)
  readonly claims: MintedPhantomToken['claims'];

  @IsIn(JWS_ALGORITHMS, { message: `use one of ${JWS_ALGORITHMS.join(', ')}` })
  readonly algorithm!: MintedPhantomToken['algorithm'];
}

/** No other header of an answer may be mistaken for it: those of claims stand in the policy. */
function isFreeHeader(header: unknown, owner: object): boolean {
  if (typeof header !== 'string' || !/^(?:authorization|x-(?!credential-)[\w-]+)$/i.test(header))
    return false;
  const { credentialHeaders } = parentOf(owner);
  return Object.keys(credentialHeaders ?? {}).every((name) => name.toLowerCase() !== header.toLowerCase());
}

/** Whether there is a signed answer for every token; servers that are no list are refused elsewhere. */
function isAlwaysSigned(owner: object): boolean {
  const { authorizationServers } = parentOf(owner);
  return (
    !Array.isArray(authorizationServers) ||
    authorizationServers.every((server: unknown) => isJsonObject(server) && signsAlways(server))
  );
}

const SIGNED_FORMATS: ReadonlySet<unknown> = new Set(['jwt', 'keycloak-jwt', 'access-token-jwt']);

function signsAlways({ jwt, introspection }: JsonObject): boolean {
  if (!isJsonObject(introspection) || !SIGNED_FORMATS.has(introspection['responseFormat'])) return false;
  return jwt === false || introspection['tokens'] === 'all';
}

/** Which options a phantom token has is told by where it comes from. */
export function phantomTokenOf({ from }: JsonObject): Declaration | undefined {
  if (from === 'key') return CheckedMintedPhantomToken;
  return from === 'introspection' ? CheckedIntrospectedPhantomToken : undefined;
}

/** Checks the JWT that is to go on to the API behind the proxy. */
export function checkPhantomToken(phantom: unknown, path: string): readonly ConfigurationProblem[] {
  return isJsonObject(phantom) && phantomTokenOf(phantom) !== undefined
    ? problemsOfSettings(phantom, `${path}.`)
    : [problem(path, phantom, "use { from: 'introspection' } or { from: 'key', key, algorithm, issuer }")];
}
