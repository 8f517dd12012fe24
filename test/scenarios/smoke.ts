/** The test that releases of scenarios run. */
import type { KubernetesObject } from '../../src/core/kubernetes.ts'

/** A CronJob that nobody starts but releases. It ends with this exit code, in the sandbox and with kwok. */
export function smoke(exitCode: number | 'never'): KubernetesObject & { spec: unknown } {
  const ends = exitCode === 'never' ? undefined : { 'sandbox.canaryhook.dev/exit-code': String(exitCode) }
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'shop-smoke' },
    spec: {
      schedule: '0 0 1 1 *',
      suspend: true,
      jobTemplate: {
        spec: {
          backoffLimit: 0,
          template: {
            metadata: { annotations: ends ?? {} },
            spec: { restartPolicy: 'Never', containers: [{ name: 'smoke', image: 'smoke:v1' }] },
          },
        },
      },
    },
  }
}
