import * as fc from 'fast-check';
import { All, Controller, type INestApplication } from '@nestjs/common';
import { CertBoundAuthModule, mutualTls } from 'nestjs-cert-bound-auth';
import { afterAll, describe, expect, test } from 'vitest';
import { PLATFORMS, type Platform, startApp } from '../support/platforms.js';
import { type CertificateName, createFuzzKit } from './fuzz-kit.js';
import { parametersOf, runsOf, SEED, timeFor } from './fuzz-runs.js';
import { FuzzClient } from './http-client.js';
import { Library } from './library.js';
import type { Observation } from './oracle/observation.js';
import { anyPlan } from './plan/arbitraries.js';
import { buildInput } from './plan/build.js';
import type { Change, Plan } from './plan/plan.js';
import { createSetups, Introspection, type Setup } from './setups.js';

const kit = await createFuzzKit();
const introspection = new Introspection();
const SETUPS = createSetups(kit, introspection).filter(({ name }) =>
  [
    'if-bound, any certificate, JWT as typ',
    'DPoP',
    'introspection of opaque tokens',
    'certificates in a header: pem',
  ].includes(name),
);
const FOCUSES = [
  'credentials',
  'jwt',
  'confirmation',
  'introspection',
  'proof',
  'certificate header',
] as const;
// Each costs as much as ten without HTTP.
const RUNS = Math.min(2_500, runsOf(0.1 / (2 * SETUPS.length)));

@Controller()
class AnythingController {
  @All(['/', '*']) anything(): string {
    return 'yes';
  }
}

const clients: FuzzClient[] = [];
const apps: INestApplication[] = [];
afterAll(async () => {
  for (const client of clients) client.close();
  for (const app of apps) await app.close();
});

describe.each(PLATFORMS)('INV3: the same inputs over HTTP on %s', (platform) => {
  test.each(SETUPS.map((setup) => [setup.name, setup] as const))(
    `the setup “%s” decides in the same way over HTTP, for ${RUNS} inputs with seed ${SEED}`,
    { timeout: timeFor(RUNS * 4) },
    async (_, setup) => {
      const twin = await Twin.start(platform, setup);
      const plans = fc.oneof(...FOCUSES.map((focus) => anyPlan(0, setup, focus))).filter(isSteady);
      await fc.assert(
        fc.asyncProperty(plans, async (plan) => twin.run(plan)),
        parametersOf(RUNS),
      );
      expect(twin.accepted).toBeGreaterThan(RUNS / 10);
      expect(twin.refused).toBeGreaterThan(RUNS / 10);
    },
  );
});

/** What depends on neither a moment, nor a router, nor what Node's parser leaves of a header. */
function isSteady({ variations, faults, method, again }: Plan): boolean {
  return again === undefined && [...variations, ...faults].every((change) => isSteadyChange(change, method));
}

function isSteadyChange(change: Change, method: string): boolean {
  if ('edit' in change && 'value' in change.edit && change.edit.value.kind === 'offset') return false;
  // Of other methods the body is read by one platform and not by the other.
  if (change.at === 'body') return method === 'POST';
  return change.at !== 'target';
}

/** An app, and the library beside it: both get every input. */
class Twin {
  accepted = 0;
  refused = 0;
  private serial = 0;
  private readonly byPeer = new Map<string, FuzzClient>();

  private constructor(
    private readonly setup: Setup,
    private readonly library: Library,
    private readonly port: number,
  ) {}

  static async start(platform: Platform, setup: Setup): Promise<Twin> {
    const { key, cert } = kit.server;
    const tls = mutualTls({ key, cert, ca: kit.ca.cert, clientAuth: 'request' });
    class App {}
    const module = {
      module: App,
      imports: [CertBoundAuthModule.forRoot(setup.options)],
      controllers: [AnythingController],
    };
    const app = await startApp(platform, module, tls);
    apps.push(app);
    const { port } = (app.getHttpServer() as { address: () => { readonly port: number } }).address();
    return new Twin(setup, new Library(setup.options), port);
  }

  async run(plan: Plan): Promise<void> {
    this.serial += 1;
    const context = { kit, setup: this.setup, now: Date.now(), serial: this.serial, nonce: undefined };
    const { seen, token } = buildInput(plan, context);
    const request = requestText(seen, token);
    if (request.length > 15_000) return;
    introspection.answer(token, seen.introspected ?? { kind: 'failed' });
    const decision = await this.library.decide(seen);
    const answer = await this.clientFor(plan, seen).send(request);
    introspection.forget(token);
    const { status, code } = decision.outcome === 'accepted' ? ACCEPTED : decision.error.refusal;
    if (status === 200) this.accepted += 1;
    else this.refused += 1;
    expect({ status: answer.status, code: codeOf(answer.head) }).toEqual({ status, code });
  }

  private clientFor(plan: Plan, { address }: Observation): FuzzClient {
    const name = certificateOf(plan, this.setup);
    const key = `${address} ${name}`;
    const known = this.byPeer.get(key);
    if (known !== undefined) return known;
    const certificate = name === 'none' ? undefined : kit.certificates[name];
    const client = new FuzzClient({ port: this.port, ca: kit.ca.cert, certificate, localAddress: address });
    this.byPeer.set(key, client);
    clients.push(client);
    return client;
  }
}

const ACCEPTED = { status: 200, code: undefined } as const;

function certificateOf({ variations, faults }: Plan, { policy }: Setup): CertificateName | 'none' {
  if (policy.certificate.from === 'header') return 'none';
  return [...variations, ...faults].reduce<CertificateName | 'none'>(
    (name, change) => (change.at === 'certificate' ? change.name : name),
    'client1',
  );
}

function requestText(seen: Observation, token: string): string {
  const body = bodyText(seen, token);
  return [
    `${seen.method} ${seen.target} HTTP/1.1`,
    'Host: localhost',
    ...seen.headers.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

function bodyText({ headers, body }: Observation, token: string): string {
  if (body === undefined) return '';
  const isJson = headers.some(([, value]) => value === 'application/json');
  if (isJson) return JSON.stringify(body);
  const hasToken = Object.hasOwn(body as object, 'access_token');
  return hasToken ? `amount=1&access_token=${encodeURIComponent(token)}` : 'amount=1';
}

/** The error code of the challenge (RFC 6750 §3.1). */
function codeOf(head: string): string | undefined {
  return /^www-authenticate:.*\berror="([^"]*)"/im.exec(head)?.[1];
}
