/** `npm run soak`: load with faults. No wrong decision either way, no 5xx but the promised 503, memory flat. */
import 'reflect-metadata';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
import { ApiProcess } from './api/api-process.js';
import { DPOP_KINDS } from './kinds/dpop-kinds.js';
import { JWT_KINDS, ROTATION_KIND } from './kinds/jwt-kinds.js';
import type { KnownCaller, Kind } from './kinds/kind.js';
import { OPAQUE_KINDS } from './kinds/opaque-kinds.js';
import { OTHER_KINDS, STRANGER_KINDS } from './kinds/other-kinds.js';
import { REVOKED_KINDS } from './kinds/revoked-kinds.js';
import { Crowd } from './load/crowd.js';
import { Doors } from './load/doors.js';
import { Judge } from './load/judge.js';
import { Mix } from './load/mix.js';
import type { Visited } from './load/visitor.js';
import { Random } from './random.js';
import { describePart, describeWrong, failuresOf, type Part, unproved } from './record/report.js';
import { Tally } from './record/tally.js';
import { type Memory, PLATFORMS } from './settings.js';
import { readSoakOptions, type SoakOptions } from './soak-options.js';
import { Authority } from './world/authority.js';
import { Change } from './world/change.js';
import { Clients } from './world/clients.js';
import { createRealm, type Realm } from './world/realm.js';
import { TlsFiles } from './world/tls-files.js';

/** Milliseconds between two lines that say how far it is. */
const PROGRESS = 15_000;

/** Milliseconds that it goes on for at most where a kind of request has not shown what it must. */
const OVERTIME = 60_000;

/** What both parts need. */
interface World {
  readonly realms: readonly Realm[];
  readonly clients: Clients;
  readonly tls: TlsFiles;
  readonly api: ApiProcess;
  readonly doors: ReadonlyMap<Realm, Doors>;
  readonly random: Random;
}

async function main(options: SoakOptions): Promise<void> {
  console.log(`seed ${options.seed}, at least ${options.requests} requests and ${options.seconds} s`);
  const world = await createWorld(new Random(options.seed));
  try {
    for (const part of [rotateUnderLoad, soakUnderFaults]) report(await part(world, options));
  } finally {
    await destroy(world);
  }
}

function report(part: Part): void {
  console.log(describePart(part));
  if (failuresOf(part).length > 0) process.exitCode = 1;
}

async function createWorld(random: Random): Promise<World> {
  const ca = await TestCertificateAuthority.create();
  const clients = await Clients.create(ca);
  const tls = await TlsFiles.create(ca);
  const authorities = {
    express: await Authority.start(ca, random),
    fastify: await Authority.start(ca, random),
  };
  const issuers = { express: authorities.express.issuer, fastify: authorities.fastify.issuer };
  const api = new ApiProcess({ tls: tls.paths, ca: ca.cert, issuers });
  const ports = await api.ports();
  const realms = await Promise.all(
    PLATFORMS.map(async (platform) =>
      createRealm(platform, authorities[platform], clients, random, async ({ subject }) =>
        api.revoke({ platform, issuer: issuers[platform], subject }),
      ),
    ),
  );
  const doors = new Map(realms.map((realm) => [realm, new Doors(ports[realm.name], ca.cert, random)]));
  return { realms, clients, tls, api, doors, random };
}

async function destroy({ realms, tls, api }: World): Promise<void> {
  await api.stop();
  for (const { authority } of realms) authority.stop();
  await tls.remove();
}

/** What is sent while something is done, and how memory fares. */
interface Load {
  readonly mix: Mix;
  readonly during: (tally: Tally) => Promise<readonly Memory[]>;
}

/** Lets visitors come while something is done. What breaks it off is a failure, and what was counted is reported. */
async function run(
  world: World,
  { mix, during }: Load,
): Promise<Pick<Part, 'tally' | 'seconds' | 'memory' | 'failures'>> {
  const tally = new Tally();
  const began = performance.now();
  const crowd = new Crowd(visitedOf(world, tally), mix);
  const progress = setInterval(() => {
    console.error(
      `${secondsSince(began).toFixed(0)} s: ${tally.answers} answers, ${tally.wrongDecisions} wrong`,
    );
  }, PROGRESS);
  try {
    const memory = await Promise.race([crowd.during(during(tally)), world.api.died]);
    const seconds = secondsSince(began);
    await crowd.stop();
    return { tally, seconds, memory, failures: [] };
  } catch (error) {
    return { tally, seconds: secondsSince(began), memory: [], failures: [`it broke off: ${String(error)}`] };
  } finally {
    clearInterval(progress);
  }
}

const ROTATIONS = 10;

/** Only good tokens; new keys come and are used at once, the old ones stay. Not one request may be refused. */
async function rotateUnderLoad(world: World, { rotationRequests }: SoakOptions): Promise<Part> {
  const kinds = [ROTATION_KIND];
  const outcome = await run(world, {
    mix: new Mix({ known: kinds, strange: [] }, world.random),
    during: async (tally) => {
      for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
        for (const { authority } of world.realms) authority.keys.publish();
        await tally.reached((rotation * rotationRequests) / ROTATIONS);
      }
      return [];
    },
  });
  const notes = [`keys: ${ROTATIONS} new ones at each authority, each used at once`];
  return { title: 'Rotation', ...outcome, kinds, notes };
}

const KNOWN_KINDS: readonly Kind<KnownCaller>[] = [
  ...JWT_KINDS,
  ...OPAQUE_KINDS,
  ...REVOKED_KINDS,
  ...DPOP_KINDS,
  ...OTHER_KINDS,
];

const ALL_KINDS: readonly Pick<Kind, 'name' | 'proves'>[] = [...KNOWN_KINDS, ...STRANGER_KINDS];

const STRANGE_KINDS: readonly Kind[] = [...STRANGER_KINDS, ...DPOP_KINDS, ...OTHER_KINDS];

/** Everything at once. */
async function soakUnderFaults(world: World, options: SoakOptions): Promise<Part> {
  for (const { authority } of world.realms) authority.failing = true;
  const change = new Change(world.realms, world.tls, world.random);
  const outcome = await run(world, {
    mix: new Mix({ known: KNOWN_KINDS, strange: STRANGE_KINDS }, world.random),
    during: async (tally) => Promise.race([quarters(world, tally, options), change.failed]),
  });
  change.stop();
  return {
    title: 'Soak',
    ...outcome,
    kinds: ALL_KINDS,
    notes: await notesOn(world),
    failures: [...outcome.failures, ...withdrawalsUnseen(world)],
  };
}

/** Waits for each quarter, by number and by time. @returns the memory in use then */
async function quarters(world: World, tally: Tally, options: SoakOptions): Promise<readonly Memory[]> {
  const memory: Memory[] = [];
  for (let quarter = 1; quarter <= 4; quarter += 1) {
    await Promise.all([tally.reached((quarter * options.requests) / 4), wait((options.seconds * 1000) / 4)]);
    if (quarter === 4) await allShown(world, tally);
    memory.push(await world.api.memory());
  }
  return memory;
}

/** Goes on until each kind of request, and a withdrawal, was answered as it must be: machines differ in what they manage. */
async function allShown(world: World, tally: Tally): Promise<void> {
  const until = performance.now() + OVERTIME;
  while (performance.now() < until) {
    if (unproved(tally, ALL_KINDS).length + withdrawalsUnseen(world).length === 0) return;
    await wait(250);
  }
}

function visitedOf({ realms, doors, tls, api }: World, tally: Tally): Visited {
  const judge = new Judge(
    tally,
    async (digest) => api.decisions(digest),
    (wrong) => console.log(describeWrong(wrong)),
  );
  return { realms, doors, tls, tally, judge };
}

async function notesOn({ realms, clients, tls, api }: World): Promise<readonly string[]> {
  const failed = realms.map(({ name, authority: { counts } }) => {
    const each = Object.entries(counts).map(([what, { calls, faults }]) => `${what} ${faults} of ${calls}`);
    return `failed calls of ${name}: ${each.join(', ')}`;
  });
  const { certificate, trust } = tls.replaced;
  const lines = await api.lines().catch(() => 'unknown');
  return [
    ...failed,
    `renewed: ${clients.renewals} certificates of clients, ${certificate} of the server, CAs: ${trust} times`,
    `lines logged: ${JSON.stringify(lines)}`,
  ];
}

/** A key whose withdrawal nobody has noticed would be no test. */
function withdrawalsUnseen({ realms }: World): readonly string[] {
  return realms
    .filter(({ authority }) => !authority.keys.withdrawn.some(({ refusalSeen }) => refusalSeen))
    .map(({ name }) => `${name}: no key was withdrawn and refused`);
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
}

try {
  await main(readSoakOptions(process.argv.slice(2), process.env));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
// Where it broke off, visitors are still there.
process.exit();
