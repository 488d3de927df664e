import type { CertBoundAuthOptions, ForwardAuthOptions } from 'nestjs-cert-bound-auth';
import type { SharedSignalsOptions } from 'nestjs-cert-bound-auth/shared-signals';
import { expect, test } from 'vitest';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { FORWARD_AUTH_COMBINATIONS, FORWARD_AUTH_FIELDS } from './forward-auth-fields.js';
import { resolveSharedSignals } from '../../lib/shared-signals/resolve-shared-signals.js';
import { MODULE_COMBINATIONS, MODULE_FIELDS } from './module-fields.js';
import { messageOf, section, set } from './sections.js';
import { SIGNAL_COMBINATIONS, SIGNAL_FIELDS } from './shared-signals-fields.js';
import { VALUES } from './wrong-values.js';

/** What is configured. */
interface Module {
  readonly subject: string;
  readonly resolve: (options: unknown) => unknown;
}

const byModule: Module = {
  subject: 'CertBoundAuthModule',
  resolve: (options) => resolveOptions(options as CertBoundAuthOptions),
};
const byForwardAuth: Module = {
  subject: 'ForwardAuthModule',
  resolve: (options) => resolveForwardAuth(options as ForwardAuthOptions),
};
const bySignals: Module = {
  subject: 'SharedSignalsModule',
  resolve: (options) => resolveSharedSignals(options as SharedSignalsOptions),
};

function everyValue(fields: typeof MODULE_FIELDS, { subject, resolve }: Module): readonly string[] {
  return fields.flatMap(({ title, right, at, fields: names }) =>
    names.map((name) => {
      const path = at === '' ? name : `${at}.${name}`;
      const outcomes = VALUES.map(([value, given]) => ({
        name: value,
        value: given,
        message: messageOf(subject, () => resolve(set(right, path, given))),
      }));
      return section(`${title}: ${name}`, outcomes);
    }),
  );
}

function everyCombination(
  combinations: typeof MODULE_COMBINATIONS,
  { subject, resolve }: Module,
): readonly string[] {
  return combinations.map(([title, options]) =>
    section(title, [{ name: title, value: options, message: messageOf(subject, () => resolve(options)) }]),
  );
}

/** Thousands of configurations are checked: a busy machine needs its time. */
const LONG_MS = 180_000;

test(
  'every message of a wrong option of CertBoundAuthModule is as it is written down',
  async () => {
    const sections = [
      ...everyValue(MODULE_FIELDS, byModule),
      ...everyCombination(MODULE_COMBINATIONS, byModule),
    ];
    await expect(sections.join('\n\n')).toMatchFileSnapshot('module-messages.txt');
  },
  LONG_MS,
);

test(
  'every message of a wrong option of ForwardAuthModule is as it is written down',
  async () => {
    const sections = [
      ...everyValue(FORWARD_AUTH_FIELDS, byForwardAuth),
      ...everyCombination(FORWARD_AUTH_COMBINATIONS, byForwardAuth),
    ];
    await expect(sections.join('\n\n')).toMatchFileSnapshot('forward-auth-messages.txt');
  },
  LONG_MS,
);

test(
  'every message of a wrong option of SharedSignalsModule is as it is written down',
  async () => {
    const sections = [
      ...everyValue(SIGNAL_FIELDS, bySignals),
      ...everyCombination(SIGNAL_COMBINATIONS, bySignals),
    ];
    await expect(sections.join('\n\n')).toMatchFileSnapshot('shared-signals-messages.txt');
  },
  LONG_MS,
);
