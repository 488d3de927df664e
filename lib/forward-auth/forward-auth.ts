import type { IncomingMessage, ServerResponse } from 'node:http';
import { ExpiryWatch } from '../common/expiry-watch.js';
import { andThenWith, isPromise, type MaybePromise } from '../common/maybe-promise.js';
import type { DpopRules } from '../dpop/check-dpop-proof.js';
import { createDpopRules } from '../dpop/dpop-rules.js';
import type { DecisionListener } from '../events/decision-listener.js';
import { renderFields } from '../common/log-fields.js';
import { messageOf } from '../common/message-of.js';
import {
  isMetadataRequest,
  metadataAnswer,
  type ServedMetadata,
} from '../protected-resource/metadata-answer.js';
import { trustedPeers } from '../client-certificate/trusted-proxies.js';
import { isAtOrBelow } from './endpoint-path.js';
import type { AskingProxy } from './forward-auth.options.js';
import { documentAnswer, type ForwardAuthAnswer, statusOnly, withoutBody } from './forward-auth-answer.js';
import { Policy } from './policy.js';
import { policyDocument } from './policy-document.js';
import { RevocationList } from '../revocation/revocation-list.js';
import type { ResolvedForwardAuth, ResolvedPolicy } from './resolved-forward-auth.js';
import { BoundedLog } from '../common/bounded-log.js';
import { SessionCookies } from '../session/session-cookies.js';
import { SeldomLog } from '../common/seldom-log.js';

const FAILED = 'the request of a proxy could not be answered';

/** The endpoint that a proxy asks whether it may let a request pass: plain Node, whatever serves it. */
export class ForwardAuth {
  private readonly warnings = new SeldomLog('warnings about proxies');
  private readonly isTrusted: (raw: IncomingMessage) => boolean;
  private readonly policies: ReadonlyMap<string, Policy>;

  /** What the policies tell of their APIs. */
  private readonly documents: readonly ServedMetadata[];

  private readonly failures = new BoundedLog();

  private readonly expiry = new ExpiryWatch(() =>
    [...this.policies.values()].flatMap((policy) => policy.expiring(Date.now())),
  );

  /** Name of the policy that is asked for where none is named; Envoy puts its client's path there. */
  private readonly only: string | undefined;

  /** @param revocations what has been revoked before its time; `undefined` where nothing can be */
  constructor(
    private readonly settings: ResolvedForwardAuth,
    readonly revocations: RevocationList | undefined = listOf(settings),
  ) {
    this.isTrusted = trustedPeers(settings.trustedProxies);
    this.policies = createPolicies(settings, revocations);
    this.documents = [...settings.policies.values()].flatMap((policy) => policyDocument(policy) ?? []);
    const [only, ...others] = this.policies.keys();
    this.only = others.length > 0 || settings.proxy === 'envoy' ? undefined : only;
  }

  /** Tells these of every decision from now on. */
  listenBy(listeners: readonly DecisionListener[]): void {
    for (const policy of this.policies.values()) policy.listenBy(listeners);
  }

  /** Below which the policies are asked for. */
  get path(): string {
    return this.settings.path;
  }

  /** Where everyone is told of the APIs behind the proxy. */
  get documentPaths(): readonly string[] {
    return this.documents.map(({ target }) => target.path);
  }

  /** Whether there may be paths that are for this endpoint, and for another one as well. */
  overlaps({ path, documentPaths }: Pick<ForwardAuth, 'path' | 'documentPaths'>): boolean {
    return (
      isAtOrBelow(this.path, path) ||
      [path, ...documentPaths].some((other) => isAtOrBelow(other, this.path)) ||
      this.documentPaths.some((own) => isAtOrBelow(own, path) || documentPaths.includes(own))
    );
  }

  /** Whether a request is for this endpoint, and not for another one of the same server. */
  concerns(raw: IncomingMessage): boolean {
    return this.isAsked(raw) || this.documentFor(raw) !== undefined;
  }

  private documentFor(raw: IncomingMessage): ServedMetadata | undefined {
    // Nearly every request asks for none.
    if (this.documents.length === 0 || !urlOf(raw).includes('/.well-known/')) return undefined;
    return this.documents.find(({ target }) => isMetadataRequest(raw, target));
  }

  private isAsked(raw: IncomingMessage): boolean {
    const { path } = this.settings;
    const url = urlOf(raw);
    return (
      url.startsWith(`${path}/`) || (this.only !== undefined && (url === path || url.startsWith(`${path}?`)))
    );
  }

  /**
   * Answers a request, and never throws: what goes wrong here is 500, and no proxy takes that for a pass. The answer is there
   * at once where nothing has to be waited for.
   */
  answer(raw: IncomingMessage): MaybePromise<ForwardAuthAnswer> {
    try {
      const answer = this.ask(raw);
      return isPromise(answer) ? answer.then(undefined, this.failed) : answer;
    } catch (error) {
      return this.failed(error);
    }
  }

  /** Answers a request on its response. */
  respond(raw: IncomingMessage, response: ServerResponse): MaybePromise<void> {
    return andThenWith(this.answer(raw), send, response);
  }

  /** Begins what goes on in the background: called once, before the endpoint answers. */
  async start(): Promise<void> {
    await Promise.all([...this.policies.values()].map(async (policy) => policy.start()));
    this.expiry.start();
  }

  /** Ends what goes on in the background, and the connections to the authorization servers. */
  async close(): Promise<void> {
    this.expiry.close();
    await Promise.all([...this.policies.values()].map(async (policy) => policy.close()));
  }

  private readonly failed = (error: unknown): ForwardAuthAnswer => {
    this.failures.write('error', FAILED, `${FAILED}: ${messageOf(error)}`);
    return statusOnly(500);
  };

  private ask(raw: IncomingMessage): MaybePromise<ForwardAuthAnswer> {
    const { path, proxy } = this.settings;
    const document = this.documentFor(raw);
    // It is for everyone, whoever asks.
    if (document !== undefined) return metadataAnswer(raw.method, document).then(documentAnswer);
    if (!this.isTrusted(raw)) return this.refusePeer(raw);
    if (!this.isAsked(raw)) return statusOnly(404);
    const below = urlOf(raw).slice(path.length);
    const { name, rest } = below.startsWith('/')
      ? splitPath(below.slice(1))
      : { name: this.only ?? '', rest: below };
    const policy = isRest(rest, proxy) ? this.policies.get(name) : undefined;
    if (policy === undefined) return this.unknownPolicy(name);
    return policy.decide(raw, rest);
  }

  /** Whoever is not trusted to speak for others learns nothing, not even which policies there are. */
  private refusePeer({ socket }: IncomingMessage): ForwardAuthAnswer {
    const peer = socket.remoteAddress ?? 'unknown';
    this.warnings.warn(peer, () => {
      const detail = `${peer} asked, and is none of trustedProxies`;
      return `refused ${renderFields({ status: 403, reason: 'proxy_untrusted', detail })}`;
    });
    return withoutBody(403);
  }

  private unknownPolicy(name: string): ForwardAuthAnswer {
    const line = renderFields({ status: 404, reason: 'policy_unknown', policy: name });
    this.warnings.warn(line, () => `refused ${line}`);
    return statusOnly(404);
  }
}

/** The URL as it was sent, where a framework has shortened it. */
function urlOf(raw: IncomingMessage & { readonly originalUrl?: string }): string {
  return raw.originalUrl ?? raw.url ?? '';
}

function splitPath(path: string): { readonly name: string; readonly rest: string } {
  const end = path.search(/[/?]/);
  return end === -1 ? { name: path, rest: '' } : { name: path.slice(0, end), rest: path.slice(end) };
}

/** Envoy puts its client's path behind the policy's; for the others there is nothing behind it but a query. */
function isRest(rest: string, proxy: AskingProxy): boolean {
  return proxy === 'envoy' ? rest.startsWith('/') : !rest.startsWith('/');
}

function listOf({ revocations }: ResolvedForwardAuth): RevocationList | undefined {
  return revocations === undefined ? undefined : new RevocationList(revocations);
}

/** Policies that have the same options of DPoP know each other's nonces and used proofs. */
function createPolicies(
  { policies, path, proxy, session }: ResolvedForwardAuth,
  revocations: RevocationList | undefined,
): ReadonlyMap<string, Policy> {
  const shared = new Map<object, DpopRules>();
  const sessions = session === undefined ? undefined : new SessionCookies(session);
  const dpopOf = ({ dpopOf: given, options: { dpop } }: ResolvedPolicy): DpopRules | undefined => {
    if (given === undefined || dpop === undefined) return undefined;
    const rules = shared.get(given) ?? createDpopRules(dpop);
    shared.set(given, rules);
    return rules;
  };
  return new Map(
    [...policies].map(([name, policy]) => [
      name,
      new Policy(policy, { proxy, path: `${path}/${name}`, dpop: dpopOf(policy), revocations, sessions }),
    ]),
  );
}

function send({ status, lines, body }: ForwardAuthAnswer, response: ServerResponse): void {
  // An app may have given up on it in the meantime.
  if (response.headersSent) return;
  // Node leaves the list as it is.
  response.writeHead(status, lines as string[]).end(body);
}
