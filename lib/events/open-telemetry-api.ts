import type * as api from '@opentelemetry/api';

/** The package `@opentelemetry/api`, which an app may have or not: only its types may be imported. */
export type OpenTelemetryApi = typeof api;
