import type { INestApplicationContext } from '@nestjs/common';
import type { Demands, SenderConstraint } from '../../authorization/demands.js';
import { acceptsUnbound, type ResolvedOptions } from '../../options/resolve-options.js';
import { metadataUrlOf } from '../../protected-resource/metadata-url.js';
import {
  DPOP,
  MUTUAL_TLS,
  neededProofs,
  oauth2SchemeOf,
  type SecurityRequirement,
  waysOfScopes,
} from '../demands/swagger-security.js';
import { describeEntrances } from './describe-entrances.js';
import type { Entrance } from './entrance.js';
import { EntranceRegistry, type Protection } from './entrance-registry.js';

/** What is used of a document of OpenAPI 3.1, as @nestjs/swagger makes it. */
export interface OpenApiDocument {
  readonly paths: object;
  readonly components?: object;
}

/** An operation, as far as it is described here. */
interface Operation {
  readonly security?: readonly SecurityRequirement[];
  readonly responses?: Members;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * Describes in a document of OpenAPI how each operation is protected, by what the app enforces: the ways of being let in
 * with their scopes, the answers to those who are not (401, 403, 429 and 503, with their headers), and the security schemes
 * with the discovery of each issuer; those of a policy are called by its name, as `oauth2-partners`. What the document says already of a scheme or a status stays as it is; an operation
 * that is public stays untouched.
 * @param app whose document it is; it need not be initialised yet
 * @param document of OpenAPI 3.1, for mutual TLS is none of 3.0
 * @returns a copy
 * @throws Error when the app does not import CertBoundAuthModule
 * @example
 * ```ts
 * // open-api.ts
 * import type { INestApplication } from '@nestjs/common';
 * import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
 * import { describeOpenApi } from 'nestjs-cert-bound-auth';
 *
 * export function serveOpenApi(app: INestApplication): void {
 *   const config = new DocumentBuilder().setTitle('Payments').setOpenAPIVersion('3.1.0').build();
 *   SwaggerModule.setup('docs', app, () => describeOpenApi(app, SwaggerModule.createDocument(app, config)));
 * }
 * ```
 */
export function describeOpenApi<Document extends OpenApiDocument>(
  app: INestApplicationContext,
  document: Document,
): Document {
  const entrances = entrancesByOperation(describeEntrances(app));
  const described = describer(app);
  const paths = Object.entries(document.paths as Readonly<Record<string, Members>>).map(
    ([path, operations]): readonly [string, Members] => [
      path,
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => {
          const entrance = entranceOf(entrances, method, path);
          return [
            method,
            entrance === undefined ? operation : described.operation(operation as Operation, entrance),
          ];
        }),
      ),
    ],
  );
  return {
    ...document,
    paths: Object.fromEntries(paths),
    components: described.components(document.components),
  };
}

type EntrancesByOperation = ReadonlyMap<string, Entrance>;

/** By method and path, as OpenAPI writes it: `GET /accounts/{id}`. */
function entrancesByOperation(entrances: readonly Entrance[]): EntrancesByOperation {
  return new Map(
    entrances
      .filter(({ kind }) => kind === 'http')
      .map((entrance) => [entrance.name.replaceAll(/[:*](\w+)(?:\([^)]*\))?\??/g, '{$1}'), entrance]),
  );
}

function entranceOf(entrances: EntrancesByOperation, method: string, path: string): Entrance | undefined {
  const found = entrances.get(`${method.toUpperCase()} ${path}`) ?? entrances.get(`ALL ${path}`);
  return found === undefined || found.access === 'public' || found.access === 'open' ? undefined : found;
}

interface Describer {
  operation(operation: Operation, entrance: Entrance): Operation;
  components(components: object | undefined): object;
}

function describer(app: INestApplicationContext): Describer {
  const protections = app.get(EntranceRegistry, { strict: false }).protections();
  const apis = new Map([...protections].map(([policy, protection]) => [policy, apiOf(policy, protection)]));
  const all = [...apis.values()];
  const schemes = all.flatMap(({ issuers }) => issuers);
  return {
    operation: (operation, { access, demands, policy }) => {
      const api = apis.get(policy);
      if (api === undefined) return operation;
      return {
        ...operation,
        security: [
          ...othersThan(
            schemes.map(({ name }) => name),
            operation.security ?? [],
          ),
          ...waysOf(demands, api),
          ...(access === 'anonymous' ? [{}] : []),
        ],
        responses: { ...refusals(demands, api.options), ...operation.responses },
      };
    },
    components: (components = {}) => {
      const { securitySchemes, schemas } = components as {
        readonly securitySchemes?: object;
        readonly schemas?: object;
      };
      return {
        ...components,
        schemas: { [SCHEMA]: REFUSAL_SCHEMA, ...schemas },
        securitySchemes: {
          ...Object.fromEntries(schemes.map(({ name, issuer }) => [name, schemeOf(issuer)])),
          ...(all.some((api) => api.seesCertificates)
            ? { [MUTUAL_TLS]: { type: 'mutualTLS', description: CERTIFICATE } }
            : {}),
          ...(all.every(({ options }) => options.dpop === undefined)
            ? {}
            : { [DPOP]: { type: 'http', scheme: 'DPoP', description: PROOF } }),
          ...securitySchemes,
        },
      };
    },
  };
}

/** The routes of one policy, or those without one. */
interface Api extends Protection {
  /** Of each, the name of its scheme. */
  readonly issuers: readonly { readonly name: string; readonly issuer: string | undefined }[];
}

function apiOf(policy: string | undefined, protection: Protection): Api {
  const scheme = oauth2SchemeOf(policy);
  const issuers = protection.options.authorizationServers.map(({ issuer }, index) => ({
    name: index === 0 ? scheme : `${scheme}_${index + 1}`,
    issuer,
  }));
  // Where the app names all servers by itself, when a token comes, there is still a token to send.
  return { ...protection, issuers: issuers.length > 0 ? issuers : [{ name: scheme, issuer: undefined }] };
}

function waysOf(
  demands: Demands,
  { options, seesCertificates, issuers }: Api,
): readonly SecurityRequirement[] {
  return proofsOf(demands.constraints, options, seesCertificates).flatMap((proofs) =>
    waysOfScopes(demands.rules).flatMap((scopes) =>
      issuers.map(({ name }) => ({
        [name]: [...new Set(scopes)],
        ...Object.fromEntries(proofs.map((proof) => [proof, []])),
      })),
    ),
  );
}

const CERTIFICATE = 'The client certificate that the access token is bound to (RFC 8705).';
const PROOF = 'A proof by the key that the access token is bound to, in the header `DPoP` (RFC 9449).';

/** Of an issuer that is not told, that it is a token and no more. */
function schemeOf(issuer: string | undefined): object {
  if (issuer === undefined) return { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' };
  const base = issuer.replace(/\/$/, '');
  return { type: 'openIdConnect', openIdConnectUrl: `${base}/.well-known/openid-configuration` };
}

/** What others say of an operation; our decorators have said the rest, without the options. */
function othersThan(
  names: readonly string[],
  security: readonly SecurityRequirement[],
): readonly SecurityRequirement[] {
  return security.filter((requirement) => !names.some((name) => name in requirement));
}

/** The ways of proving oneself that are enough for a route. */
function proofsOf(
  constraints: readonly SenderConstraint[],
  options: ResolvedOptions,
  seesCertificates: boolean,
): readonly (readonly string[])[] {
  const needed = neededProofs(constraints);
  if (needed.length > 0) return [needed];
  return [
    ...(seesCertificates ? [[MUTUAL_TLS]] : []),
    ...(options.dpop === undefined ? [] : [[DPOP]]),
    ...(acceptsUnbound(options) && constraints.length === 0 ? [[]] : []),
  ];
}

const SCHEMA = 'AccessRefused';
const REFUSAL_SCHEMA = {
  type: 'object',
  required: ['statusCode', 'error', 'message'],
  properties: { statusCode: { type: 'integer' }, error: { type: 'string' }, message: { type: 'string' } },
};

function refusals(demands: Demands, options: ResolvedOptions): Members {
  const proof = demands.constraints.includes('any')
    ? 'certificate or dpop'
    : demands.constraints.join(' and ');
  const proved = proof === '' ? '' : ` This operation needs the caller to be proved by ${proof}.`;
  const isMore = demands.rules.length + demands.checks.length > 0;
  const challenge = challengeHeader(options);
  const nonce =
    options.dpop === undefined || options.dpop.nonce === 'off'
      ? {}
      : { 'DPoP-Nonce': header('The nonce for the next DPoP proof (RFC 9449 §8).') };
  return {
    401: refusal(
      `No access token, or none that is valid and bound to a key that the caller has proved.${proved}`,
      { ...challenge, ...nonce },
    ),
    ...(isMore ? { 403: refusal('The access token does not allow this operation.', challenge) } : {}),
    ...(options.dpop === undefined
      ? {}
      : { 429: refusal('This client sends too many proofs.', retryAfter('the client may try again')) }),
    503: refusal(
      'The access token cannot be verified at the moment.',
      retryAfter('it is worth trying again'),
    ),
  };
}

function refusal(description: string, headers: Members): object {
  const schema = { $ref: `#/components/schemas/${SCHEMA}` };
  return { description, headers, content: { 'application/json': { schema } } };
}

function challengeHeader({ protectedResource }: ResolvedOptions): Members {
  const more =
    protectedResource === undefined ? '' : ` It names ${metadataUrlOf(protectedResource.resource)}.`;
  return { 'WWW-Authenticate': header(`What is needed (RFC 6750 §3, RFC 9449 §7.1).${more}`) };
}

function retryAfter(what: string): Members {
  return { 'Retry-After': { description: `Seconds after which ${what}.`, schema: { type: 'integer' } } };
}

function header(description: string): object {
  return { description, schema: { type: 'string' } };
}
