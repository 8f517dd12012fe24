import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'

/** How an admission ended: `untouched` was allowed without a patch, `malformed` was no review at all. */
export type AdmissionResult = 'untouched' | 'patched' | 'denied' | 'malformed' | 'error'

export interface WebhookMetrics {
  readonly register: Registry
  /** Counts one admission and the time it took. */
  observe(result: AdmissionResult, seconds: number): void
}

/** Makes the metrics of one webhook server, in a registry of their own. */
export function createWebhookMetrics(): WebhookMetrics {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const admissions = new Counter({
    name: 'canaryhook_admissions_total',
    help: 'Admission requests answered, by result.',
    labelNames: ['result'] as const,
    registers: [register],
  })
  const duration = new Histogram({
    name: 'canaryhook_admission_duration_seconds',
    help: 'Time from the last byte of an admission request to its answer.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    registers: [register],
  })
  return {
    register,
    observe(result, seconds) {
      admissions.inc({ result })
      duration.observe(seconds)
    },
  }
}
