import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../lib/cli/run-command.js';
import { whenOver } from '../support/world.js';

/** A command that runs, or has run. */
export interface CommandRun {
  readonly printed: string[];
  readonly complaints: string[];
  /** Stops a server. */
  stop(): void;
  /** Settles with the exit code. */
  readonly ended: Promise<number>;
}

/** Runs a command of the command line, in this process. */
export function start(...args: readonly string[]): CommandRun {
  return startWith('', args);
}

/** The same with this on standard input. */
export function startWith(input: string, args: readonly string[]): CommandRun {
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const printed: string[] = [];
  const complaints: string[] = [];
  const ended = runCommand(args, {
    print: (text) => printed.push(text),
    complain: (text) => complaints.push(text),
    input: async () => input,
    untilStopped: async () => stopped,
  });
  return { printed, complaints, stop, ended };
}

/** Runs a command until it ends. */
export async function run(...args: readonly string[]): Promise<EndedRun> {
  return runWith('', args);
}

/** What a command has come to. */
export interface EndedRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The same with this on standard input. */
export async function runWith(input: string, args: readonly string[]): Promise<EndedRun> {
  const command = startWith(input, args);
  const code = await command.ended;
  return { code, out: command.printed.join('\n'), err: command.complaints.join('\n') };
}

/** Writes files into a folder that ends with the test. @returns the folder */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cli-'));
  whenOver(async () => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}
