import type { BenchOptions } from './bench-options.js';
import type { ClientIdentity } from './load/certificate.js';
import type { ConnectionKind } from './load/clients-options.js';
import type { RunEnd } from './processes/load.js';
import type { VerificationSettings } from './processes/verification.js';
import type { ServerSettings } from './servers/server-settings.js';
import type { CredentialsFile } from './world/world.js';

/** One of those that are compared. */
export type Contestant = ServerContestant | VerificationContestant;

/** A server that answers requests. */
export interface ServerContestant {
  readonly kind: 'server';
  readonly id: string;
  readonly label: string;
  readonly settings: ServerSettings;
  /** The `id` of the same without protection. @default none: it is that itself */
  readonly reference?: string;
  readonly load: LoadPlan;
}

/** Signatures verified, and nothing else. */
export interface VerificationContestant {
  readonly kind: 'verification';
  readonly id: string;
  readonly label: string;
  readonly settings: VerificationSettings;
  readonly warmUp: number;
  /** Verifications of a round. */
  readonly count: number;
}

/** What clients send. */
export interface LoadPlan {
  readonly credentials: CredentialsFile;
  /** Whether no token or proof may come twice. */
  readonly once: boolean;
  readonly path: string;
  readonly identity: ClientIdentity;
  readonly connections: number;
  readonly connection: ConnectionKind;
  readonly warmUp: readonly RunEnd[];
  readonly round: RunEnd;
}

/** Contestants that are measured in turn, round by round. */
export interface Comparison {
  readonly contestants: readonly Contestant[];
  /** How often everything is started, and how many rounds that makes together. */
  readonly repeats: Pick<BenchOptions, 'rounds' | 'starts'>;
  /** Where on the axis of a growth this is. @default no growth is measured */
  readonly point?: number;
  /** Whether the memory of the library's servers is measured after the warm-up. @default false */
  readonly memory?: boolean;
}

/** A question that the benchmark answers. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What grows. @default nothing */
  readonly axis?: string;
  readonly comparisons: () => AsyncIterable<Comparison>;
}
