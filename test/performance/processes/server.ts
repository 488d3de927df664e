/** The API: a process of its own for each variant, of which the CPU time is measured. */
import 'reflect-metadata';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerSettings, ServerVariant } from '../servers/server-settings.js';
import { answerQuestions, cpuMicros, readSettings } from './answer-questions.js';

/** Connections stay open from round to round, however long the others take. */
const IDLE_TIME_MS = 3_600_000;

type Start = (settings: ServerSettings) => Promise<Server>;

/** Nothing is loaded but what the variant needs: what is loaded beside it costs memory, and time at each collection. */
const STARTS: Readonly<Record<ServerVariant, () => Promise<Start>>> = {
  nest: async () => (await import('../servers/start-open-nest.js')).startOpenNest,
  'empty-guard': async () => (await import('../servers/start-guarded.js')).startEmptyGuard,
  'jwt-verify-guard': async () => (await import('../servers/start-guarded.js')).startJwtVerifyGuard,
  'signature-guard': async () => (await import('../servers/start-guarded.js')).startSignatureGuard,
  library: async () => (await import('../servers/start-library.js')).startLibrary,
  'hand-written': async () => (await import('../servers/start-hand-written.js')).startHandWritten,
  express: async () => (await import('../servers/start-express.js')).startExpress,
  auth0: async () => (await import('../servers/start-auth0.js')).startAuth0,
  'passport-jwt': async () => (await import('../servers/start-passport-jwt.js')).startPassportJwt,
};

async function start(): Promise<number> {
  const settings = readSettings() as ServerSettings;
  if (settings.entrance === 'ws') return (await import('../servers/start-gateway.js')).startGateway(settings);
  if (settings.entrance === 'grpc') return (await import('../servers/start-grpc.js')).startGrpc(settings);
  const startVariant = await STARTS[settings.variant]();
  const server = await startVariant(settings);
  server.keepAliveTimeout = IDLE_TIME_MS;
  return (server.address() as AddressInfo).port;
}

const started = start();
// Asked for by `port`.
started.catch(() => undefined);

const handlers = {
  port: async (): Promise<number> => started,
  cpuMicros,
  /** @returns bytes in use outside and on the heap, after a collection; needs `--expose-gc` */
  usedMemory: (): number => {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
};

export type ServerProtocol = typeof handlers;

answerQuestions(handlers);
