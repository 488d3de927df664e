import type {
  CertBoundAuthOptions,
  ClientCertificateOptions,
  DpopOptions,
  IntrospectionOptions,
} from 'nestjs-cert-bound-auth';
import { AUDIENCE, type FuzzKey, type FuzzKit, ISSUER_A, ISSUER_B, jwksOf } from './fuzz-kit.js';
import type { Introspected } from './oracle/observation.js';
import type { CertificatePolicy, DpopPolicy, IssuerPolicy, Policy, PublishedKey } from './oracle/policy.js';

/** What a token is bound to. */
export type Binding = 'certificate' | 'key' | 'both' | 'none';
export type TokenKind = 'jwt' | 'opaque';

/** One configuration of the API: as the library is told, and as the oracle is told. */
export interface Setup {
  readonly name: string;
  readonly options: CertBoundAuthOptions;
  readonly policy: Policy;
  /** What a request that is right in everything is accepted with. */
  readonly admits: {
    readonly bindings: readonly Binding[];
    readonly tokens: readonly TokenKind[];
  };
}

/** The one address that a certificate in a header is believed from. */
export const PROXY = '127.0.0.1';
export const STRANGER = '127.0.0.2';
export const PUBLIC_URL = 'https://api.example.com';
/** With a prefix that a proxy takes away, and a port of its own. */
export const OTHER_PUBLIC_URL = 'https://gateway.example.net:8443/v1';

/** What the authorization server in this process says of the tokens that it was asked about. */
export class Introspection {
  private readonly answers = new Map<string, Introspected>();

  readonly introspect = async (token: string): Promise<object | undefined> => {
    const answer = this.answers.get(token);
    if (answer?.kind === 'failed') throw new Error('the database is away');
    return answer?.json as object | undefined;
  };

  answer(token: string, answer: Introspected): void {
    this.answers.set(token, answer);
  }

  forget(token: string): void {
    this.answers.delete(token);
  }
}

const REQUIRED = ['sub', 'client_id', 'iat', 'jti'];
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'EdDSA', 'Ed25519'];

/** Every configuration that inputs are sent to. */
export function createSetups(kit: FuzzKit, introspection: Introspection): readonly Setup[] {
  return [
    setup(kit, 'certificates', {}, { bindings: ['certificate'], tokens: ['jwt'] }),
    setup(
      kit,
      'if-bound, any certificate, JWT as typ',
      { binding: 'if-bound', types: ['at+jwt', 'JWT'], certificate: { from: 'tls', trust: 'any' } },
      { bindings: ['certificate', 'none'], tokens: ['jwt'] },
    ),
    setup(kit, 'DPoP', { dpop: {} }, { bindings: ['certificate', 'key', 'both'], tokens: ['jwt'] }),
    setup(
      kit,
      'DPoP with nonces',
      { dpop: { nonce: 'required', nonceSecret: 'n'.repeat(32), algorithms: ['ES256', 'EdDSA'] } },
      { bindings: ['certificate', 'key', 'both'], tokens: ['jwt'] },
    ),
    setup(
      kit,
      'DPoP, nonces instead of iat, if-bound',
      {
        binding: 'if-bound',
        dpop: { nonce: 'instead-of-iat', nonceSecret: 'o'.repeat(32), nonceLifetime: 4 },
      },
      { bindings: ['certificate', 'key', 'both', 'none'], tokens: ['jwt'] },
    ),
    setup(
      kit,
      'introspection of opaque tokens',
      { dpop: {}, introspection: { introspect: introspection.introspect } },
      { bindings: ['certificate', 'key', 'both'], tokens: ['jwt', 'opaque'] },
    ),
    setup(
      kit,
      'introspection of all tokens, if-bound',
      {
        binding: 'if-bound',
        introspection: { introspect: introspection.introspect, tokens: 'all', audience: 'if-present' },
      },
      { bindings: ['certificate', 'none'], tokens: ['jwt', 'opaque'] },
    ),
    ...headerSetups(kit),
  ];
}

function headerSetups(kit: FuzzKit): readonly Setup[] {
  const formats = ['rfc9440', 'pem', 'der', 'single-der', 'xfcc'] as const;
  const plain = formats.map((format) =>
    setup(
      kit,
      `certificates in a header: ${format}`,
      { certificate: header(format, 'proxy') },
      CERTIFICATE_ONLY,
    ),
  );
  const ca = setup(
    kit,
    'certificates in a header, whose chain we verify',
    { certificate: header('rfc9440', { ca: kit.ca.cert }) },
    CERTIFICATE_ONLY,
  );
  const verified = setup(
    kit,
    'certificates in a header, with a verdict',
    { certificate: { ...header('pem', 'proxy'), verify: { name: 'X-Verify', value: 'SUCCESS' } } },
    CERTIFICATE_ONLY,
  );
  return [...plain, ca, verified];
}

const CERTIFICATE_ONLY: Setup['admits'] = { bindings: ['certificate'], tokens: ['jwt'] };

/** Two policies of one backend of a proxy, which trust in different ways. */
export interface SetupPair {
  readonly name: string;
  readonly one: Setup;
  readonly other: Setup;
}

/** What inputs are sent to that come by a proxy, which asks: the certificate is in a header. */
export function createSetupPairs(kit: FuzzKit, introspection: Introspection): readonly SetupPair[] {
  const pem = header('pem', 'proxy');
  const asked = { introspect: introspection.introspect };
  const tokens = ['jwt', 'opaque'] as const;
  const bindings = ['certificate', 'key', 'both'] as const;
  const free = ['certificate', 'key', 'both', 'none'] as const;
  return [
    {
      name: 'if-bound, JWTs: the proxy vouches, or a CA',
      one: setup(
        kit,
        'one',
        {
          binding: 'if-bound',
          dpop: {},
          certificate: { ...pem, verify: { name: 'X-Verify', value: 'SUCCESS' } },
        },
        { bindings: free, tokens: ['jwt'] },
      ),
      other: setup(
        kit,
        'other',
        { binding: 'if-bound', dpop: {}, certificate: header('pem', { ca: kit.ca.cert }) },
        { bindings: free, tokens: ['jwt'] },
      ),
    },
    {
      name: 'JWTs and opaque tokens: RFC 9440, or DER',
      one: setup(
        kit,
        'one',
        { dpop: {}, introspection: asked, certificate: header('rfc9440', 'proxy') },
        { bindings, tokens },
      ),
      other: setup(
        kit,
        'other',
        { dpop: {}, introspection: asked, certificate: header('single-der', 'proxy') },
        { bindings, tokens },
      ),
    },
  ];
}

type HeaderPolicy = Extract<CertificatePolicy, { readonly from: 'header' }>;

function header(format: HeaderPolicy['format'], trust: HeaderPolicy['trust']): HeaderPolicy {
  return { from: 'header', header: 'Client-Cert', format, trustedAddress: PROXY, trust };
}

/** What a setup differs in. */
interface Difference {
  readonly binding?: 'if-bound';
  readonly types?: readonly string[];
  readonly certificate?: CertificatePolicy;
  readonly dpop?: Pick<DpopOptions, 'nonce' | 'nonceSecret' | 'nonceLifetime' | 'algorithms'>;
  readonly introspection?: IntrospectionOptions;
}

function setup(kit: FuzzKit, name: string, difference: Difference, admits: Setup['admits']): Setup {
  return { name, admits, options: optionsOf(kit, difference), policy: policyOf(kit, difference) };
}

function optionsOf(
  kit: FuzzKit,
  { binding, types, certificate, dpop, introspection }: Difference,
): CertBoundAuthOptions {
  const typ = types === undefined ? {} : { typ: types };
  return {
    audience: AUDIENCE,
    authorizationServers: [
      {
        issuer: ISSUER_A,
        jwt: { jwks: jwksOf(kit.keysOfA), ...typ },
        ...(introspection === undefined ? {} : { introspection }),
      },
      { issuer: ISSUER_B, jwt: { jwks: jwksOf(kit.keysOfB), ...typ } },
    ],
    ...(binding === undefined ? {} : { binding }),
    ...(certificate === undefined ? {} : { clientCertificate: certificateOptions(certificate) }),
    ...(dpop === undefined ? {} : { dpop: { publicUrl: [PUBLIC_URL, OTHER_PUBLIC_URL], ...dpop } }),
  };
}

function certificateOptions(policy: CertificatePolicy): ClientCertificateOptions {
  if (policy.from === 'tls') return policy;
  const { header: name, format, trustedAddress, trust, verify } = policy;
  return {
    from: 'header',
    header: name,
    format: format === 'single-der' ? { der: { list: false } } : format,
    trustedProxies: [trustedAddress],
    trust,
    ...(verify === undefined ? {} : { verifyHeader: verify }),
  };
}

function policyOf(kit: FuzzKit, { binding, types, certificate, dpop, introspection }: Difference): Policy {
  return {
    audience: AUDIENCE,
    binding: binding ?? 'required',
    clockTolerance: 5,
    issuers: [
      issuerPolicy(ISSUER_A, kit.keysOfA, types, introspection),
      issuerPolicy(ISSUER_B, kit.keysOfB, types),
    ],
    certificate: certificate ?? { from: 'tls', trust: 'ca' },
    ...(dpop === undefined ? {} : { dpop: dpopPolicy(dpop) }),
  };
}

function issuerPolicy(
  issuer: string,
  keys: readonly FuzzKey[],
  types: readonly string[] = ['at+jwt'],
  introspection?: IntrospectionOptions,
): IssuerPolicy {
  const { tokens = 'opaque', audience = 'required' } = introspection ?? {};
  return {
    issuer,
    keys: keys.map(publishedKey),
    types: types.map((type) => type.toLowerCase()),
    requiredClaims: REQUIRED,
    ...(introspection === undefined ? {} : { introspection: { tokens, audience } }),
  };
}

/** RFC 7517 §4.4: the algorithm that a key is for; without one, what fits its type. */
function publishedKey({ kid, algorithm, publicKey }: FuzzKey): PublishedKey {
  const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
  return { kid, key: publicKey, algorithms: kid === 'rsa' ? rsa : [algorithm] };
}

function dpopPolicy({
  nonce = 'off',
  nonceLifetime = 300,
  algorithms,
}: NonNullable<Difference['dpop']>): DpopPolicy {
  return {
    bases: [PUBLIC_URL, OTHER_PUBLIC_URL],
    algorithms: algorithms ?? ALGORITHMS,
    lifetime: 60,
    skew: 10,
    maxLength: 4096,
    nonce,
    nonceLifetime,
  };
}
