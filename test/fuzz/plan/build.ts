import { createHash, createHmac, randomBytes, sign } from 'node:crypto';
import { AUDIENCE, type FuzzKey, type FuzzKit, ISSUER_A, ISSUER_B, thumbprintOfKey } from '../fuzz-kit.js';
import type { Introspected, Observation, SentHeader } from '../oracle/observation.js';
import { OTHER_PUBLIC_URL, PROXY, PUBLIC_URL, type Setup, STRANGER } from '../setups.js';
import { asParsed } from './as-parsed.js';
import { certificateHeaders } from './certificate-headers.js';
import { changeAuthorization } from './authorizations.js';
import { editedText, type Edit, type Entry, entriesOf } from './edit.js';
import { signed, signWith } from './signed-token.js';
import { changeHtu, changeTarget } from './targets.js';
import type { AnswerShape, Change, JsonPart, Plan, SignatureChange, SpellingChange } from './plan.js';

/** An input, and what of it must never be found in a log. */
export interface BuiltInput {
  readonly seen: Observation;
  /** The token, as it was meant: the introspection answers to it. */
  readonly token: string;
  readonly secrets: readonly string[];
}

/** What inputs are made with. */
export interface BuildContext {
  readonly kit: FuzzKit;
  readonly setup: Setup;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Makes each `jti` another one. */
  readonly serial: number;
  /** The nonce that the API gave out last. */
  readonly nonce: string | undefined;
}

/** Makes the input that a plan describes. @param known the token, where it has been sent before */
export function buildInput(plan: Plan, context: BuildContext, known?: string): BuiltInput {
  const changes = [...plan.variations, ...plan.faults];
  const { answer, json } = introspected(plan, changes, context);
  const token = known ?? tokenOf(plan, changes, context);
  const target = changesAt(changes, 'target').reduce(
    (text, { how }) => changeTarget(text, how, token),
    plan.path,
  );
  const proof =
    plan.binding === 'key' || plan.binding === 'both' ? proofOf(plan, changes, context, token) : undefined;
  const headers = [
    ...authorizationHeaders(token, proof !== undefined, changes),
    ...proofHeaders(proof, changes),
    ...certificateHeaders(context, changes),
    ...bodyHeaders(changes),
    ...changesAt(changes, 'other headers').map(({ name, value }): SentHeader => [name, value]),
  ];
  const certificate = tlsCertificate(context, changes);
  return {
    token,
    secrets: secretsOf(token, proof),
    seen: {
      method: plan.method,
      target: asParsed(target),
      headers: headers.map(([name, value]) => [name, asParsed(value)]),
      body: bodyOf(changes, token),
      address: changes.some(({ at }) => at === 'address') ? STRANGER : PROXY,
      ...(certificate === undefined ? {} : { certificate }),
      introspected: answer ?? json,
      now: context.now,
    },
  };
}

type At<Place extends Change['at']> = Extract<Change, { readonly at: Place }>;

function changesAt<Place extends Change['at']>(changes: readonly Change[], at: Place): readonly At<Place>[] {
  return changes.filter((change): change is At<Place> => change.at === at);
}

function signatureAt(
  changes: readonly Change[],
  at: 'signature' | 'proof signature',
): SignatureChange | undefined {
  return changes.flatMap((change) => (change.at === at && isSignature(change) ? [change.how] : [])).at(-1);
}

function isSignature(
  change: Change,
): change is Extract<
  Change,
  { readonly how: SignatureChange; readonly at: 'signature' | 'proof signature' }
> {
  return change.at === 'signature' || change.at === 'proof signature';
}

function editsOf(changes: readonly Change[], part: JsonPart): readonly Edit[] {
  return changes.flatMap((change) => (change.at === part && 'edit' in change ? [change.edit] : []));
}

function seconds({ now }: BuildContext): number {
  return Math.floor(now / 1000);
}

function keyOf({ issuer, key }: Plan, { keysOfA, keysOfB }: FuzzKit): FuzzKey {
  const keys = issuer === 'a' ? keysOfA : keysOfB;
  return keys[key % keys.length] as FuzzKey;
}

function clientKeyOf({ clientKey }: Plan, { kit, setup }: BuildContext): FuzzKey {
  const fitting = kit.clientKeys.filter(
    ({ algorithm }) => setup.policy.dpop?.algorithms.includes(algorithm) ?? true,
  );
  return fitting[clientKey % fitting.length] as FuzzKey;
}

function claimsOf(
  plan: Plan,
  context: BuildContext,
  changes: readonly Change[],
  cnfPart: 'cnf' | 'answer cnf',
): readonly Entry[] {
  const now = seconds(context);
  const claims = entriesOf({
    iss: plan.issuer === 'a' ? ISSUER_A : ISSUER_B,
    sub: 'user-1',
    client_id: 'client-1',
    aud: AUDIENCE,
    iat: now,
    exp: now + 300,
    jti: `token-${context.serial}`,
    scope: 'read write',
  });
  if (plan.binding === 'none') return claims;
  const cnf = entriesOf({
    'x5t#S256': plan.binding === 'key' ? undefined : context.kit.certificates.client1.thumbprint,
    jkt: plan.binding === 'certificate' ? undefined : thumbprintOfKey(clientKeyOf(plan, context)),
  });
  return [...claims, ['"cnf"', editedText(cnf, editsOf(changes, cnfPart), now).toString()]];
}

function tokenOf(plan: Plan, changes: readonly Change[], context: BuildContext): string {
  const whole = changesAt(changes, 'whole token').at(-1);
  if (whole !== undefined) return whole.text;
  if (plan.kind === 'opaque')
    return `opaque-${context.serial}-${createHash('sha256').update(String(context.serial)).digest('hex')}`;
  const key = keyOf(plan, context.kit);
  const header = editedText(
    entriesOf({ alg: key.algorithm, typ: 'at+jwt', kid: key.kid }),
    editsOf(changes, 'header'),
    seconds(context),
  );
  const claims = editedText(
    claimsOf(plan, context, changes, 'cnf'),
    editsOf(changes, 'claims'),
    seconds(context),
  );
  const how = signatureAt(changes, 'signature');
  const jws = signed(header, claims, (input) => signature(input, key, how, plan, context));
  return respelled(jws, changesAt(changes, 'token text'));
}

function proofOf(plan: Plan, changes: readonly Change[], context: BuildContext, token: string): string {
  const key = clientKeyOf(plan, context);
  const now = seconds(context);
  const jwk = editedText(entriesOf(key.jwk), editsOf(changes, 'jwk'), now).toString();
  const header = editedText(
    [...entriesOf({ typ: 'dpop+jwt', alg: key.algorithm }), ['"jwk"', jwk]],
    editsOf(changes, 'proof header'),
    now,
  );
  const base = plan.publicUrl === 0 ? PUBLIC_URL : OTHER_PUBLIC_URL;
  const htu = changesAt(changes, 'htu').reduce((text, { how }) => changeHtu(text, how), base + plan.path);
  const claims = editedText(
    entriesOf({
      // The number in front: whatever a change does to the end, it is not the next one's.
      jti: `${context.serial}-proof`,
      htm: plan.method,
      htu,
      iat: now,
      ath: createHash('sha256').update(token, 'latin1').digest('base64url'),
      nonce: context.nonce,
    }),
    editsOf(changes, 'proof claims'),
    now,
  );
  const how = signatureAt(changes, 'proof signature');
  const jws = signed(header, claims, (input) => signature(input, key, how, plan, context));
  return respelled(jws, changesAt(changes, 'proof text'));
}

function signature(
  input: Buffer,
  key: FuzzKey,
  how: SignatureChange | undefined,
  plan: Plan,
  { kit }: BuildContext,
): Buffer {
  switch (how) {
    case undefined:
      return signWith(key, input);
    case 'none':
      return Buffer.alloc(0);
    case 'foreign key':
      return signWith(kit.foreignKey, input);
    case 'key of the other issuer':
      return signWith((plan.issuer === 'a' ? kit.keysOfB : kit.keysOfA)[0] ?? kit.foreignKey, input);
    case 'another key of the issuer':
      return signWith((plan.issuer === 'a' ? kit.keysOfA : kit.keysOfB)[1] ?? kit.foreignKey, input);
    case 'HMAC with the public PEM':
      return hmac(key.publicKey.export({ type: 'spki', format: 'pem' }), input);
    case 'HMAC with the public DER':
      return hmac(key.publicKey.export({ type: 'spki', format: 'der' }), input);
    case 'HMAC with the public JWK':
      return hmac(JSON.stringify(key.jwk), input);
    case 'DER':
      return sign('sha256', input, { key: kit.foreignKey.privateKey, dsaEncoding: 'der' });
    case 'of something else':
      return signWith(key, Buffer.concat([input, Buffer.from('.')]));
    case 'a bit changed':
      return withBitChanged(signWith(key, input));
    case 'cut':
      return signWith(key, input).subarray(0, -1);
    case 'longer':
      return Buffer.concat([signWith(key, input), Buffer.alloc(1)]);
    case 'zeros':
      return Buffer.alloc(signWith(key, input).length);
    case 'malleated':
      return malleated(signWith(key, input), key);
  }
}

function hmac(secret: string | Buffer, input: Buffer): Buffer {
  return createHmac('sha256', secret).update(input).digest();
}

function withBitChanged(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const at = changed.length >> 1;
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}

const ORDER_P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Of an ECDSA signature `s` and `n - s` both verify: not a forgery, but another spelling. */
function malleated(bytes: Buffer, { algorithm }: FuzzKey): Buffer {
  if (algorithm !== 'ES256') return bytes;
  const s = ORDER_P256 - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  return Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
}

function respelled(
  jws: string,
  changes: readonly { readonly part: 0 | 1 | 2; readonly how: SpellingChange }[],
): string {
  const parts = jws.split('.');
  for (const { part, how } of changes) {
    const text = parts[part];
    if (text !== undefined) parts.splice(part, 1, ...respelledPart(text, how));
  }
  return parts.join('.');
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function respelledPart(text: string, how: SpellingChange): readonly string[] {
  switch (how) {
    case 'padded':
      return [`${text}${'='.repeat((4 - (text.length % 4)) % 4)}`];
    case 'other alphabet':
      return [text.replaceAll('-', '+').replaceAll('_', '/')];
    case 'last bits':
      return [text.slice(0, -1) + BASE64URL.charAt(BASE64URL.indexOf(text.slice(-1)) ^ 1)];
    case 'a character in it':
      return [`${text.slice(0, 8)}~${text.slice(8)}`];
    case 'empty':
      return [''];
    case 'left out':
      return [];
    case 'twice':
      return [text, text];
    case 'one character less':
      return [text.slice(0, -1)];
    case 'a dot behind':
      return [text, ''];
    case 'null bytes':
      return [`${text}AAAA`];
  }
}

/** The answer of the introspection: the right one, edited, or one of another shape. */
function introspected(
  plan: Plan,
  changes: readonly Change[],
  context: BuildContext,
): { readonly answer: Introspected | undefined; readonly json: Introspected } {
  const shape = changesAt(changes, 'answer shape').at(-1)?.how;
  const part = plan.kind === 'opaque' ? 'answer cnf' : 'cnf';
  const members: readonly Entry[] = [['"active"', 'true'], ...claimsOf(plan, context, changes, part)];
  const text = editedText(members, editsOf(changes, 'answer'), seconds(context)).toString();
  return { answer: shape === undefined ? undefined : shaped(shape), json: parsed(text) };
}

function parsed(text: string): Introspected {
  try {
    return { kind: 'json', json: JSON.parse(text) };
  } catch {
    return { kind: 'failed' };
  }
}

function shaped(shape: AnswerShape): Introspected {
  const json: Readonly<Record<Exclude<AnswerShape, 'failed' | 'nested'>, unknown>> = {
    undefined: undefined,
    null: null,
    array: [{ active: true }],
    text: 'active',
    number: 1,
    'no active': { sub: 'user-1' },
    inactive: { active: false },
    'active as text': { active: 'true' },
    'active as number': { active: 1 },
  };
  if (shape === 'failed') return { kind: 'failed' };
  if (shape === 'nested') return parsed(`{"active":true,"a":${'['.repeat(3000)}${']'.repeat(3000)}}`);
  return { kind: 'json', json: json[shape] };
}

function authorizationHeaders(
  token: string,
  dpop: boolean,
  changes: readonly Change[],
): readonly SentHeader[] {
  const scheme = dpop ? 'DPoP' : 'Bearer';
  let headers: readonly SentHeader[] = [['Authorization', `${scheme} ${token}`]];
  for (const { how } of changesAt(changes, 'authorization')) {
    const [[, value] = ['', `${scheme} ${token}`]] = headers;
    headers = changeAuthorization(how, { token, scheme, value, headers });
  }
  return headers;
}

function proofHeaders(proof: string | undefined, changes: readonly Change[]): readonly SentHeader[] {
  if (proof === undefined) return [];
  switch (changesAt(changes, 'proof headers').at(-1)?.how) {
    case undefined:
      return [['DPoP', proof]];
    case 'none':
      return [];
    case 'twice':
      return [
        ['DPoP', proof],
        ['dpop', proof],
      ];
    case 'joined':
      return [['DPoP', `${proof}, ${proof}`]];
    case 'empty':
      return [['DPoP', '']];
    case 'other case':
      return [['dPOP', proof]];
    case 'garbage':
      return [['DPoP', randomBytes(30).toString('base64url')]];
  }
}

function tlsCertificate(
  { kit, setup }: BuildContext,
  changes: readonly Change[],
): Observation['certificate'] {
  if (setup.policy.certificate.from === 'header') return undefined;
  const { name } = changesAt(changes, 'certificate').at(-1) ?? { name: 'client1' as const };
  if (name === 'none') return undefined;
  // What has expired since its handshake is still authorised there.
  return { der: kit.certificates[name].der, chainTrusted: name !== 'selfSigned' && name !== 'foreign' };
}

function bodyHeaders(changes: readonly Change[]): readonly SentHeader[] {
  switch (changesAt(changes, 'body').at(-1)?.how) {
    case undefined:
      return [];
    case 'form':
    case 'form with token':
      return [['Content-Type', 'application/x-www-form-urlencoded']];
    case 'form type in another case':
      return [['content-type', 'Application/X-WWW-Form-URLEncoded; charset=utf-8']];
    case 'json with token':
      return [['Content-Type', 'application/json']];
  }
}

function bodyOf(changes: readonly Change[], token: string): unknown {
  const how = changesAt(changes, 'body').at(-1)?.how;
  if (how === undefined) return undefined;
  return how === 'form' ? { amount: '1' } : { amount: '1', access_token: token };
}

/** Whole, and their signatures: short ones could stand in a line by chance. */
function secretsOf(token: string, proof: string | undefined): readonly string[] {
  const texts = [token, proof ?? ''];
  const signatures = texts.map((text) => text.split('.').at(-1) ?? '');
  return [...texts, ...signatures].filter((text) => text.length >= 24);
}
