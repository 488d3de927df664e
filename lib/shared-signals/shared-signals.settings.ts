import { IsArray, IsIn, IsObject, ValidateNested } from '../options/class-validator.js';
import type { SettingsOf } from '../common/settings-of.js';
import type { JwsAlgorithm } from '../cert-bound-auth.options.js';
import { JWS_ALGORITHMS } from '../jose/jws-algorithms.js';
import { isJsonObject } from '../jose/json-object.js';
import { CheckedHttpOptions, CheckedTlsOptions } from '../options/authorization-server.settings.js';
import { Declares, hasOptions } from '../options/declared-options.js';
import {
  Given,
  IsAudience,
  IsFunction,
  IsGroup,
  IsNumberFrom,
  IsText,
  isBare,
  isFunction,
  isText,
  Satisfies,
} from '../options/option-checks.js';
import type {
  BackChannelLogoutOptions,
  LogoutProviderOptions,
  PollTransmitterOptions,
  PushTransmitterOptions,
  SharedSignalsOptions,
  SignalSubjectOptions,
  TransmitterRuleOptions,
} from './shared-signals.options.js';

/** Of whose tokens a transmitter may speak, as configured. */
type SubjectSettings = SettingsOf<SignalSubjectOptions, 'issuers' | 'find'>;

@Declares<SignalSubjectOptions>()
class CheckedSubjectOptions implements SubjectSettings {
  @Given()
  @Satisfies('issuers', 'give the issuer of tokens by the iss of subjects: { [iss]: issuer }', isIssuers)
  readonly issuers: SubjectSettings['issuers'];

  @Given()
  @IsFunction('give a function (subject) => { issuer, subject }')
  readonly find: SubjectSettings['find'];
}

/** Whom calls go to, and whose signatures count. */
class CheckedPeer {
  @Given()
  @Satisfies('algorithms', `give a list of ${JWS_ALGORITHMS.join(', ')}`, areAlgorithms)
  readonly algorithms: readonly JwsAlgorithm[] = JWS_ALGORITHMS;

  @Given() @IsText('give the URL of the JWK Set') readonly jwksUri: string | undefined;

  @Given()
  @IsGroup('give { ca?, key?, cert? }', () => CheckedTlsOptions)
  readonly tls: CheckedTlsOptions | undefined;

  @Given()
  @IsGroup('give { timeout?, ... }', () => CheckedHttpOptions)
  readonly http: CheckedHttpOptions = new CheckedHttpOptions();
}

type RuleSettings = SettingsOf<
  TransmitterRuleOptions,
  'jwksUri' | 'maxSilence' | 'verifyState',
  {
    readonly subjects: CheckedSubjectOptions;
    readonly tls: CheckedTlsOptions | undefined;
    readonly http: CheckedHttpOptions;
  }
>;

/** 366 days, in seconds. */
const LONGEST_SILENCE = 31_622_400;

class CheckedTransmitterRules extends CheckedPeer implements RuleSettings {
  @IsText('give the exact iss of its events') readonly issuer!: string;
  @IsAudience() readonly audience!: RuleSettings['audience'];

  @Given()
  @IsGroup('give { issuers?, find? }', () => CheckedSubjectOptions)
  readonly subjects: CheckedSubjectOptions = new CheckedSubjectOptions();

  @Given()
  @IsNumberFrom(1, LONGEST_SILENCE, 'seconds')
  readonly maxSilence: RuleSettings['maxSilence'];

  @Given()
  @IsIn(['refuse', 'carry-on'], { message: `use 'refuse' or 'carry-on'` })
  readonly onSilence: RuleSettings['onSilence'] = 'refuse';

  @Given()
  @IsFunction('give a function (state) => whether it was asked for')
  readonly verifyState: RuleSettings['verifyState'];
}

const DELIVERY = `say how its events come: 'push' or 'poll'`;

@Declares<PushTransmitterOptions>()
export class CheckedPushTransmitter extends CheckedTransmitterRules {
  @IsIn(['push'], { message: DELIVERY }) readonly delivery!: 'push';

  @Given()
  @Satisfies('header', 'give the whole value of the header, as it was agreed upon', isHeaderValue)
  readonly authorizationHeader: PushTransmitterOptions['authorizationHeader'];
}

@Declares<PollTransmitterOptions>()
export class CheckedPollTransmitter extends CheckedTransmitterRules {
  @IsIn(['poll'], { message: DELIVERY }) readonly delivery!: 'poll';
  @IsText('give the URL where its events are polled') readonly endpoint!: string;

  @Given()
  @Satisfies(
    'header',
    'give the whole value of the header, or a function that makes it',
    (value) => isFunction(value) || isHeaderValue(value),
  )
  readonly authorizationHeader: PollTransmitterOptions['authorizationHeader'];

  @Given() @IsNumberFrom(1, 3_600, 'seconds') readonly longPoll: number = 90;
}

/** A transmitter as configured, every field checked by itself. */
export type CheckedTransmitter = CheckedPushTransmitter | CheckedPollTransmitter;

type LogoutProviderSettings = SettingsOf<
  LogoutProviderOptions,
  'jwksUri',
  { readonly tls: CheckedTlsOptions | undefined; readonly http: CheckedHttpOptions }
>;

@Declares<LogoutProviderOptions>()
export class CheckedLogoutProvider extends CheckedPeer implements LogoutProviderSettings {
  @IsText('give the exact iss of its logout tokens') readonly issuer!: string;
  @IsAudience() readonly clientId!: LogoutProviderSettings['clientId'];

  @Given()
  @IsIn(['required', 'if-present'], { message: `use 'required' or 'if-present'` })
  readonly typ: LogoutProviderSettings['typ'] = 'required';
}

const PROVIDERS = 'give at least one provider: [{ issuer, clientId }]';

@Declares<BackChannelLogoutOptions>()
export class CheckedBackChannelLogout implements SettingsOf<
  BackChannelLogoutOptions,
  never,
  { readonly providers: readonly CheckedLogoutProvider[] }
> {
  @Satisfies('path', "give a path such as '/logout'", isPath) readonly path!: string;

  @IsArray({ message: PROVIDERS })
  @Satisfies('notEmpty', PROVIDERS, (value) => Array.isArray(value) && value.length > 0)
  @IsObject({ each: true, message: 'every provider is an object: { issuer, clientId }' })
  @ValidateNested({ each: true })
  @hasOptions('list', () => CheckedLogoutProvider)
  readonly providers!: readonly CheckedLogoutProvider[];
}

const TRANSMITTERS = 'give a list of transmitters: [{ issuer, audience, delivery }]';

@Declares<SharedSignalsOptions>()
export class CheckedSharedSignalsOptions implements SettingsOf<
  SharedSignalsOptions,
  'path' | 'onSignal',
  {
    readonly transmitters: readonly CheckedTransmitter[];
    readonly backChannelLogout: CheckedBackChannelLogout | undefined;
  }
> {
  @Given()
  @Satisfies('path', "give a path such as '/signals'", isPath)
  readonly path: SharedSignalsOptions['path'];

  @Given()
  @IsArray({ message: TRANSMITTERS })
  @IsObject({ each: true, message: 'every transmitter is an object: { issuer, audience, delivery }' })
  @ValidateNested({ each: true })
  @hasOptions('list', ({ delivery }) =>
    delivery === 'poll' ? CheckedPollTransmitter : CheckedPushTransmitter,
  )
  readonly transmitters: readonly CheckedTransmitter[] = [];

  @Given()
  @IsGroup('give { path, providers }', () => CheckedBackChannelLogout)
  readonly backChannelLogout: CheckedBackChannelLogout | undefined;

  @Given()
  @IsFunction('give a function (signal) => …')
  readonly onSignal: SharedSignalsOptions['onSignal'];
}

function isIssuers(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    Object.keys(value).length > 0 &&
    Object.entries(value).every((pair) => pair.every((text) => isText(text) && isBare(text)))
  );
}

function areAlgorithms(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((each) => JWS_ALGORITHMS.some((algorithm) => algorithm === each))
  );
}

/** Such as a client can send, and Node hands on as it is. */
function isHeaderValue(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value);
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && /^(?:\/[\w.~-]+)+$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path);
}
