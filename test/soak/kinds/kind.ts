import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { Client } from '../world/clients.js';
import type { Exchange } from '../world/key-ring.js';
import type { Realm } from '../world/realm.js';

/** Who sends a request, over which connection. */
export interface Caller {
  readonly realm: Realm;
  /** The client of the CA; `undefined` for a stranger, and for one without a certificate. */
  readonly client: Client | undefined;
  /** The certificate of the connection. */
  readonly certificate: TestCertificate | undefined;
}

/** A client of the CA. */
export interface KnownCaller extends Caller {
  readonly client: Client;
  readonly certificate: TestCertificate;
}

/** One request, and what may come back. */
export interface Attempt {
  readonly request: Buffer;
  /** To look the server's decision up; it is shown to nobody. */
  readonly token?: string;
  /** Whose data a 200 must hold. */
  readonly subject?: string;
  /** The statuses that are right. */
  readonly allowed: (exchange: Exchange) => readonly number[];
  /** Is told the status. */
  readonly answered?: (status: number) => void;
}

/** A kind of request, whose right answer is known by how it is made. */
export interface Kind<C extends Caller = Caller> {
  readonly name: string;
  /** How often it is drawn, beside the others. */
  readonly share: number;
  /** Statuses that a run must have seen of it: else it has tested nothing. */
  readonly proves: readonly number[];
  /** @returns `undefined` where this caller can't make such a request now */
  readonly attempt: (caller: C) => Attempt | undefined | Promise<Attempt | undefined>;
}

/** Whatever the time, this is right. */
export function always(...statuses: readonly number[]): Attempt['allowed'] {
  return () => statuses;
}
