import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { World } from '../world.js';

/** An app with one entrance, and how a client comes in by it. */
export interface Row {
  start(world: World): Promise<Started>;
}

export interface Started {
  /** Calls the handler. @returns what it has answered, or the status of the refusal */
  call(caller: Caller): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Who calls: the certificate is proved, the token may belong to somebody else. */
export interface Caller {
  readonly ca: string;
  readonly certificate: TestCertificate;
  readonly token?: string;
}

/** Handlers that have run since the last look. */
let runs = 0;

/** What every handler says: whose token it was. */
export function answerFor(subject: string): string {
  runs += 1;
  return `hello ${subject}`;
}

/** What each caller got, and how often a handler ran; or why the app does not start. */
export async function outcomesOf(row: Row, world: World): Promise<object> {
  const started = await row.start(world).catch(bootErrorOf);
  if ('boot' in started) return started;
  const { ca, clients, tokens } = world;
  const [mine, other] = [clients.mine, clients.other] as readonly TestCertificate[];
  if (mine === undefined || other === undefined) throw new Error('there are no clients');
  runs = 0;
  const outcomes = {
    noToken: await started.call({ ca: ca.cert, certificate: mine }),
    thief: await started.call({ ca: ca.cert, certificate: other, token: tokens.read }),
    ranForThem: runs,
    honest: await started.call({ ca: ca.cert, certificate: mine, token: tokens.read }),
    ran: runs,
  };
  await started.close();
  return outcomes;
}

function bootErrorOf(error: unknown): { readonly boot: string } {
  if (error instanceof Error && error.name === 'CertBoundAuthConfigurationError')
    return { boot: error.message };
  throw error;
}
