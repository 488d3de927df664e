import { type Attributes, metrics, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** The points of a metric: attributes and value. */
export interface Metric {
  readonly unit: string;
  readonly points: readonly (readonly [attributes: Attributes, value: unknown])[];
}

/** What the process has recorded with OpenTelemetry. */
export interface Telemetry {
  /** The spans that have ended, oldest first. */
  spans(): readonly ReadableSpan[];
  points(metric: string): Promise<Metric>;
  end(): Promise<void>;
}

/** Sets OpenTelemetry up for the process, with its real SDK. */
export function recordTelemetry(): Telemetry {
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  // It exports only when a test asks for it.
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 2 ** 30,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const spanExporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
  metrics.setGlobalMeterProvider(meterProvider);
  trace.setGlobalTracerProvider(tracerProvider);
  return {
    spans: () => spanExporter.getFinishedSpans(),
    points: async (name) => {
      await meterProvider.forceFlush();
      const all =
        metricExporter
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
      const metric = all.find(({ descriptor }) => descriptor.name === name);
      return {
        unit: metric?.descriptor.unit ?? '',
        points: metric?.dataPoints.map(({ attributes, value }) => [attributes, value]) ?? [],
      };
    },
    end: async () => {
      metrics.disable();
      trace.disable();
      await meterProvider.shutdown();
      await tracerProvider.shutdown();
    },
  };
}
