#!/usr/bin/env node
import { once } from 'node:events';
import { textOf } from './text-of.js';
import { runCommand } from './run-command.js';

process.exitCode = await runCommand(process.argv.slice(2), {
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
  input: async () => textOf(process.stdin),
  untilStopped: async () => Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]),
});
// As a worker of Node's cluster, the channel to the primary would keep it from ending.
process.channel?.unref();
