/** The clients: a process of its own, so that what they cost is not the server's. */
import { clearImmediate, setImmediate, setTimeout } from 'node:timers';
import { type Clients, clientsOf } from '../load/clients.js';
import type { ClientsOptions } from '../load/clients-options.js';
import { readCredentials } from '../load/credentials-file.js';
import { RequestList } from '../load/request-list.js';
import { answerQuestions, cpuMicros } from './answer-questions.js';

/** What clients shall do. */
export interface RunOptions {
  readonly name: string;
  /** The first of the credentials to send; after the last comes the first again. */
  readonly from: number;
  readonly until: RunEnd;
}

/** When a run is over: after a time, or a number of requests. */
export type RunEnd = { readonly seconds: number } | { readonly requests: number };

/** What clients have done. */
export interface Run {
  readonly requests: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  /** CPU time that the load itself took, in microseconds. */
  readonly cpuMicros: number;
}

const clients = new Map<string, { readonly connections: Clients; readonly requests: RequestList }>();

const handlers = {
  async open(options: ClientsOptions): Promise<void> {
    const { name, connection, credentials, count, path } = options;
    const chosen = (await readCredentials(credentials)).slice(0, count);
    const requests = RequestList.with(chosen, path, connection);
    clients.set(name, { connections: clientsOf(options, chosen), requests });
  },

  async run({ name, from, until }: RunOptions): Promise<Run> {
    const chosen = clients.get(name);
    if (chosen === undefined) throw new Error(`there are no clients named ${name}`);
    const { connections, requests } = chosen;
    requests.rewind(from, 'requests' in until ? until.requests : Infinity);
    const timer = 'seconds' in until ? setTimeout(() => requests.end(), until.seconds * 1000) : undefined;
    const [cpu, start] = [cpuMicros(), performance.now()];
    const stopPolling = poll();
    const answered = await connections.run(requests);
    stopPolling();
    clearTimeout(timer);
    return {
      requests: answered,
      seconds: (performance.now() - start) / 1000,
      cpuMicros: cpuMicros() - cpu,
    };
  },

  close({ name }: { readonly name: string }): void {
    clients.get(name)?.connections.close();
    clients.delete(name);
  },
};

/** Keeps this process awake: the server would have to pay for waking it, and in a virtual machine that costs more than all else. */
function poll(): () => void {
  let next = setImmediate(again);
  function again(): void {
    next = setImmediate(again);
  }
  return () => clearImmediate(next);
}

export type LoadProtocol = typeof handlers;

answerQuestions(handlers);
