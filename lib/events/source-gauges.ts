import type { Attributes, Meter, ObservableCallback } from '@opentelemetry/api';
import type { RevocationSourceHealth } from './revocation-source-health.js';
import { revocationSources } from './revocation-sources.js';

interface SourceGauge {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  /** @param now milliseconds since the epoch @returns `undefined` where there is nothing to tell */
  readonly valueOf: (source: RevocationSourceHealth, now: number) => number | undefined;
  /** Of several sources at one host, that which is told. */
  readonly worst: (one: number, other: number) => number;
}

const GAUGES: readonly SourceGauge[] = [
  {
    name: 'cert_bound_auth.revocation_source.age',
    description: 'Time since a source of revoked certificates was last read',
    unit: 's',
    valueOf: ({ age }) => age,
    worst: Math.max,
  },
  {
    name: 'cert_bound_auth.revocation_source.time_left',
    description: 'Time until a revocation list is out of date; negative where it is',
    unit: 's',
    valueOf: ({ nextUpdate }, now) => (nextUpdate === undefined ? undefined : nextUpdate - now / 1000),
    worst: Math.min,
  },
  {
    name: 'cert_bound_auth.revocation_source.failures',
    description:
      'Attempts to read a source of revoked certificates that failed since the last one that did not',
    unit: '{failure}',
    valueOf: ({ failures }) => failures,
    worst: Math.max,
  },
];

/** Tells of the sources of revoked certificates each time that metrics are exported. @returns what ends it */
export function observeSources(meter: Meter): () => void {
  const ends = GAUGES.map((gauge) => observe(gauge, meter));
  return () => {
    for (const end of ends) end();
  };
}

function observe({ name, description, unit, valueOf, worst }: SourceGauge, meter: Meter): () => void {
  const gauge = meter.createObservableGauge(name, { description, unit });
  const callback: ObservableCallback = (result) => {
    const now = Date.now();
    const told = new Map<string, { readonly attributes: Attributes; readonly value: number }>();
    for (const source of revocationSources(now)) {
      const value = valueOf(source, now);
      if (value === undefined) continue;
      const place = placeOf(source);
      const key = `${source.kind} ${place}`;
      const before = told.get(key)?.value ?? value;
      told.set(key, { attributes: attributesOf(source, place), value: worst(before, value) });
    }
    for (const { attributes, value } of told.values()) result.observe(value, attributes);
  };
  gauge.addCallback(callback);
  return () => gauge.removeCallback(callback);
}

/** The path of a file, which the configuration names, or the host of a URL, which it allows: certificates say the rest of it. */
function placeOf({ source, kind }: RevocationSourceHealth): string {
  return kind === 'crl-file' ? source : new URL(source).host;
}

function attributesOf({ kind }: RevocationSourceHealth, place: string): Attributes {
  return {
    'cert_bound_auth.revocation_source': place,
    'cert_bound_auth.revocation_source.kind': kind,
  };
}
