import type { HandedOnCertificate, ProxyWorld } from './proxy-world.js';

/** What is measured: requests to `serve`, and to a bare server that gives the same answer. */
export interface ProxyScenario {
  readonly name: string;
  readonly title: string;
  /** What the ratio to bare Node may be, at most; `undefined` where it has no goal of its own. */
  readonly goal: number | undefined;
  readonly status: number;
  /** Lines of the requests, in turn. */
  readonly requests: readonly (readonly string[])[];
  /** A request may be sent once only: its token is a new one. */
  readonly once: boolean;
  /** Options of the configuration beside the usual ones. */
  readonly options?: object;
}

/** How many requests of each kind there are to be. */
export interface ProxyLoad {
  /** Of those whose token is a new one. */
  readonly onceNeeded: number;
  /** Clients, each with another certificate. */
  readonly clients: number;
}

/** Ten thousand certificates may cost so much of what one costs. */
export const MANY_GOAL = 1.2;

/** All of them. */
export async function proxyScenarios(
  world: ProxyWorld,
  { onceNeeded, clients }: ProxyLoad,
): Promise<readonly ProxyScenario[]> {
  const certificates = await world.certificates(Math.max(clients, 2));
  const [own, other] = certificates as readonly [HandedOnCertificate, HandedOnCertificate];
  const known = world.signedToken(own);
  const refusals = [
    { name: 'no-token', title: 'no token', requests: [linesOf(undefined, own)] },
    { name: 'thief', title: "a token with another client's certificate", requests: [linesOf(known, other)] },
  ];
  return [
    usual('known-hs256', 'a known token, bound to nothing', 1.3, [linesOf(world.sharedSecretToken())]),
    usual('known-ps256', 'a known token and the certificate that it is bound to', 1.3, [linesOf(known, own)]),
    ...refusals.map((refusal) => ({ ...refusal, status: 401, goal: 2.5, once: false, options: QUIET })),
    ...refusals.map(({ name, title, requests }) => ({
      name: `${name}-debug`,
      title: `${title}, logged`,
      requests,
      status: 401,
      goal: 5,
      once: false,
      options: DEBUG,
    })),
    {
      ...usual(
        'new-hs256',
        'a new token (HS256)',
        4.5,
        linesOfEach(onceNeeded, () => world.sharedSecretToken()),
      ),
      once: true,
    },
    {
      ...usual(
        'new-ps256',
        'a new token (PS256) and the certificate that it is bound to',
        7.5,
        linesOfEach(onceNeeded, () => world.signedToken(own), own),
      ),
      once: true,
    },
    usual('one-certificate', 'a known token (HS256) and the certificate that it is bound to', 1.3, [
      linesOf(world.sharedSecretToken(own), own),
    ]),
    usual(
      'many-certificates',
      `the same of ${clients} clients in turn`,
      undefined,
      certificates.map((certificate) => linesOf(world.sharedSecretToken(certificate), certificate)),
    ),
  ];
}

/** Every line is written. */
const DEBUG = { logLevel: 'debug' };
const QUIET = { logLevel: 'warn' };

function usual(
  name: string,
  title: string,
  goal: number | undefined,
  requests: ProxyScenario['requests'],
): ProxyScenario {
  return { name, title, goal, status: 200, requests, once: false };
}

function linesOfEach(
  count: number,
  token: () => string,
  certificate?: HandedOnCertificate,
): ProxyScenario['requests'] {
  return Array.from({ length: count }, () => linesOf(token(), certificate));
}

/** What nginx sends, as docs/proxies sets it up. */
function linesOf(token: string | undefined, certificate?: HandedOnCertificate): readonly string[] {
  return [
    'X-Original-Method: GET',
    'X-Original-URI: /payments/17',
    `X-SSL-Client-Verify: ${certificate === undefined ? 'NONE' : 'SUCCESS'}`,
    ...(certificate === undefined ? [] : [`X-SSL-Client-Cert: ${certificate.pem}`]),
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
  ];
}
