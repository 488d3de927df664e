import { createHash } from 'node:crypto';
import { createFuzzKit, ISSUER_A, thumbprintOfKey } from '../fuzz-kit.js';
import { Library } from '../library.js';
import type { Observation, SentHeader } from '../oracle/observation.js';
import { Oracle } from '../oracle/oracle.js';
import { asParsed } from '../plan/as-parsed.js';
import { signed, signWith } from '../plan/signed-token.js';
import { createSetups, Introspection, PROXY, type Setup } from '../setups.js';

/** What the bytes behind the first one are taken for; the first one says which. */
const MODES = ['authorization', 'jwt', 'proof', 'answer', 'pem', 'der', 'rfc9440', 'xfcc'] as const;
type Mode = (typeof MODES)[number];

const introspection = new Introspection();
const world = prepare();

/**
 * The target of a coverage-guided fuzzer: bytes in, and an error out where the library fails, or accepts what the oracle
 * refuses. `@THUMBPRINT@`, `@JKT@`, `@ATH@`, `@NOW@` and `@CERTIFICATE@` in the bytes stand for what differs in each
 * process.
 */
export async function fuzz(data: Buffer): Promise<void> {
  const { kit, setups } = await world;
  const mode = MODES[(data[0] ?? 0) % MODES.length] as Mode;
  const now = Date.now();
  const certificate = kit.certificates.client1;
  const text = data
    .subarray(1)
    .toString('latin1')
    .replaceAll('@THUMBPRINT@', certificate.thumbprint)
    .replaceAll('@JKT@', thumbprintOfKey(clientKey(kit)))
    .replaceAll('@JWK@', JSON.stringify(clientKey(kit).jwk))
    .replaceAll('@NOW@', String(Math.floor(now / 1000)))
    .replaceAll('@CERTIFICATE@', certificate.der.toString('base64'));
  const { setup, library } = setups(mode);
  const seen = observationOf(mode, text, { kit, now });
  const verdict = new Oracle(setup.policy).judge(seen);
  const decision = await library.decide(seen);
  if (decision.outcome === 'accepted' && verdict.verdict === 'must-refuse') {
    throw new Error(`accepted, but ${verdict.why}`);
  }
  if (decision.outcome === 'refused' && decision.error.refusal.status >= 500 && mode !== 'answer') {
    throw new Error(`5xx: ${decision.error.message}`);
  }
}

type Kit = Awaited<ReturnType<typeof createFuzzKit>>;

function clientKey({ clientKeys }: Kit): Kit['foreignKey'] {
  return clientKeys[0] as Kit['foreignKey'];
}

interface Running {
  readonly setup: Setup;
  readonly library: Library;
}

async function prepare(): Promise<{ readonly kit: Kit; readonly setups: (mode: Mode) => Running }> {
  const kit = await createFuzzKit();
  const all = createSetups(kit, introspection).map((setup) => ({
    setup,
    library: new Library(setup.options),
  }));
  const named = (part: string): Running => all.find(({ setup }) => setup.name.includes(part)) as Running;
  const opaque = named('opaque');
  return { kit, setups: (mode) => (HEADER_MODES.has(mode) ? named(`in a header: ${mode}`) : opaque) };
}

const HEADER_MODES: ReadonlySet<Mode> = new Set(['pem', 'der', 'rfc9440', 'xfcc'] as const);

function observationOf(
  mode: Mode,
  text: string,
  { kit, now }: { readonly kit: Kit; readonly now: number },
): Observation {
  const issuerKey = kit.keysOfA[0] as Kit['foreignKey'];
  const second = Math.floor(now / 1000);
  const cnf =
    mode === 'proof'
      ? { jkt: thumbprintOfKey(clientKey(kit)) }
      : { 'x5t#S256': kit.certificates.client1.thumbprint };
  const claims = {
    iss: ISSUER_A,
    sub: 'u',
    client_id: 'c',
    aud: 'https://api.example.com',
    iat: second,
    exp: second + 60,
    jti: 'j',
    cnf,
  };
  const header = JSON.stringify({ alg: issuerKey.algorithm, typ: 'at+jwt', kid: issuerKey.kid });
  const jwt = (head: string, payload: string): string =>
    signed(Buffer.from(head, 'latin1'), Buffer.from(payload, 'latin1'), (input) =>
      signWith(issuerKey, input),
    );
  const right = jwt(header, JSON.stringify(claims));
  const [first = '', rest = ''] = text.split(/\n(.*)/s);
  const common = {
    method: 'GET',
    target: '/payments',
    address: PROXY,
    now,
    ...(HEADER_MODES.has(mode)
      ? {}
      : { certificate: { der: kit.certificates.client1.der, chainTrusted: true } }),
  };
  const sent = (...headers: readonly SentHeader[]): Observation => ({
    ...common,
    headers: headers.map(([name, value]) => [name, asParsed(value)]),
  });
  switch (mode) {
    case 'authorization':
      return sent(['Authorization', text]);
    case 'jwt':
      return sent(['Authorization', `Bearer ${jwt(first, rest)}`]);
    case 'proof': {
      const ath = createHash('sha256').update(right).digest('base64url');
      const proof = signed(
        Buffer.from(first, 'latin1'),
        Buffer.from(rest.replaceAll('@ATH@', ath), 'latin1'),
        (input) => signWith(clientKey(kit), input),
      );
      return sent(['Authorization', `DPoP ${right}`], ['DPoP', proof]);
    }
    case 'answer': {
      const introspected = answerOf(text);
      introspection.answer('opaque', introspected);
      return { ...sent(['Authorization', 'Bearer opaque']), introspected };
    }
    default:
      return sent(['Authorization', `Bearer ${right}`], ['Client-Cert', text]);
  }
}

function answerOf(text: string): NonNullable<Observation['introspected']> {
  try {
    return { kind: 'json', json: JSON.parse(text) };
  } catch {
    return { kind: 'failed' };
  }
}

const CLAIMS =
  '{"iss":"https://a.example.com","aud":"https://api.example.com","sub":"u","client_id":"c","iat":@NOW@,"exp":9999999999,"jti":"j","cnf":{"x5t#S256":"@THUMBPRINT@"}}';

/** Inputs to start from, one of each mode. */
export const SEEDS: readonly string[] = [
  'Bearer abc',
  `{"alg":"ES256","typ":"at+jwt","kid":"shared"}\n${CLAIMS}`,
  '{"typ":"dpop+jwt","alg":"ES256","jwk":@JWK@}\n{"jti":"1","htm":"GET","htu":"https://api.example.com/payments","iat":@NOW@,"ath":"@ATH@"}',
  CLAIMS.replace('{', '{"active":true,'),
  '-----BEGIN CERTIFICATE-----@CERTIFICATE@-----END CERTIFICATE-----',
  '@CERTIFICATE@',
  ':@CERTIFICATE@:',
  'Hash=00;Cert="-----BEGIN CERTIFICATE-----@CERTIFICATE@-----END CERTIFICATE-----"',
].map((text, mode) => String.fromCharCode(mode) + text);
