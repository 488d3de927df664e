import type { DemoClient } from './demo-client.js';
import type { HttpsResponse } from './https-client.js';

/** One line of the demo. */
export interface Step {
  /** Heads the steps that begin here. */
  readonly section?: string;
  readonly tried: string;
  /** In the terms of `outcomeOf`. */
  readonly expected: string;
  readonly why: string;
  /** Does it; the demo compares the answer with what was expected. */
  run(): Promise<HttpsResponse>;
  /** What the body of a good answer must be like. */
  readonly body?: (body: unknown) => boolean;
}

/** What the steps need. */
export interface DemoContext {
  readonly client: DemoClient;
  readonly stopAuthorizationServer: () => Promise<void>;
  /** Shows why nothing seems to happen. */
  readonly waiting: (reason: string) => void;
  readonly interrupted: AbortSignal;
}

/** The body of a good payment. */
export const PAYMENT = {
  amount: '12.50',
  currency: 'EUR',
  creditorIban: 'DE89370400440532013000',
  reference: 'Invoice 7',
};
