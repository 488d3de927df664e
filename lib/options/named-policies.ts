import type { PolicyOptions } from '../cert-bound-auth.options.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { type ConfigurationProblem, problem } from './configuration-error.js';
import { noSuchOption } from './no-such-option.js';

/** Every option of a policy, and whether it is taken over where it is not given. */
const TAKEN_OVER: Readonly<Record<keyof PolicyOptions, boolean>> = {
  audience: true,
  authorizationServers: true,
  resolveAuthorizationServer: true,
  binding: true,
  introspectionOrder: true,
  clientCertificate: true,
  dpop: true,
  reportUnbound: true,
  clockTolerance: true,
  tokenCache: true,
  scopeImplies: true,
  realm: true,
  exposeToken: true,
  validate: true,
  protectedResource: false,
};

const POLICY_OPTIONS = Object.keys(TAKEN_OVER) as readonly (keyof PolicyOptions)[];

/** The policies that can be one: what is in each is checked with what it takes over. */
export function policiesIn(policies: unknown): readonly (readonly [name: string, policy: JsonObject])[] {
  if (!isRecord(policies)) return [];
  return Object.entries(policies).filter(
    (entry): entry is [string, JsonObject] => isPolicyName(entry[0]) && isRecord(entry[1]),
  );
}

/** Whether each policy is one, and has no other options. */
export function checkPolicies(policies: unknown, path: string): readonly ConfigurationProblem[] {
  if (!isRecord(policies)) {
    return [problem(path, policies, 'give the policies by name: { partners: { audience, ... } }')];
  }
  return Object.entries(policies).flatMap(([name, policy]) => checkNamed(name, policy, `${path}.${name}`));
}

function checkNamed(name: string, policy: unknown, path: string): readonly ConfigurationProblem[] {
  if (!isPolicyName(name)) return [problem(path, policy, NAME)];
  if (!isRecord(policy)) {
    return [
      problem(path, policy, 'give an object, with what differs from the options beside the policies: {}'),
    ];
  }
  return Object.keys(policy)
    .filter((option) => !POLICY_OPTIONS.some((known) => known === option))
    .map((option) => problem(`${path}.${option}`, policy[option], noSuchOption(option, POLICY_OPTIONS)));
}

/** Bytes have a member for each of them. */
function isRecord(value: unknown): value is JsonObject {
  return isJsonObject(value) && !ArrayBuffer.isView(value);
}

const NAME =
  'begin its name with a letter, and use letters, digits, ".", "_" and "-"; no name that objects have';

/** It stands in events, in the log, and in names of OpenAPI. */
function isPolicyName(name: string): boolean {
  return /^[a-z][\w.-]{0,63}$/i.test(name) && !(name in Object.prototype);
}

/** Whose tokens are accepted. These belong together: a policy that says one of them takes over nobody whom the module trusts. */
const TRUST = [
  'authorizationServers',
  'resolveAuthorizationServer',
] as const satisfies readonly (keyof PolicyOptions)[];
const TRUSTS_ITS_OWN: JsonObject = { authorizationServers: [] };

/** What a policy is resolved from: what it says, and what it takes over. @param module each option as it was read, once */
export function withTakenOver(policy: JsonObject, module: JsonObject): JsonObject {
  const beside = TRUST.every((option) => policy[option] === undefined) ? module : TRUSTS_ITS_OWN;
  const members = POLICY_OPTIONS.map((option): readonly [string, unknown] => {
    if (option === 'dpop' && policy['dpop'] !== undefined)
      return [option, withStore(policy['dpop'], module['dpop'])];
    if (policy[option] !== undefined) return [option, ownedBy(policy, policy[option])];
    if (TRUST.some((each) => each === option)) return [option, beside[option]];
    return [option, TAKEN_OVER[option] ? module[option] : undefined];
  });
  const { profile, interactionId } = module;
  const all: JsonObject = { ...Object.fromEntries(members), profile, interactionId };
  // Of a policy that is bound there is nothing to report.
  return policy['reportUnbound'] !== undefined || mayBeUnbound(all)
    ? all
    : { ...all, reportUnbound: undefined };
}

/** The memory of used proofs is that of the module, unless the policy names another. */
function withStore(dpop: unknown, ofModule: unknown): unknown {
  if (!isJsonObject(dpop) || !isJsonObject(ofModule)) return dpop;
  if (dpop['replayStore'] !== undefined || ofModule['replayStore'] === undefined) return dpop;
  // Of an object of a class, what it inherits counts as well.
  const copy: JsonObject = Object.create(dpop) as JsonObject;
  return Object.assign(copy, dpop, { replayStore: ofModule['replayStore'] });
}

/** A method stays one of the object that it was given with. */
export function ownedBy(owner: JsonObject, value: unknown): unknown {
  return typeof value === 'function' ? (value.bind(owner) as unknown) : value;
}

/** Whether some of these options let a token in that is bound to nothing. */
export function mayBeUnbound({ binding, authorizationServers }: JsonObject): boolean {
  return (
    binding === 'if-bound' ||
    (Array.isArray(authorizationServers) &&
      authorizationServers.some(
        (server: unknown) => isJsonObject(server) && server['binding'] === 'if-bound',
      ))
  );
}
