/** What is in the namespace of an app besides it: the Service of its users, and the tests it may name. */
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { SERVICE } from '../scenarios/manifest.ts'
import { smoke } from '../scenarios/smoke.ts'
import { cronJobOf } from './gates.ts'

/** @throws Error when the API server does not take one of them */
export async function makeSurroundings(sandbox: Sandbox, namespace: string): Promise<void> {
  const core = `/api/v1/namespaces/${namespace}`
  const cronJobs = `/apis/batch/v1/namespaces/${namespace}/cronjobs`
  const objects: readonly (readonly [string, object])[] = [
    ['/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }],
    [`${core}/services`, SERVICE],
    [cronJobs, { ...smoke(0), metadata: { name: cronJobOf('passes') } }],
    [cronJobs, { ...smoke(1), metadata: { name: cronJobOf('fails') } }],
    [cronJobs, { ...smoke('never'), metadata: { name: cronJobOf('never ends') } }],
  ]
  for (const [path, body] of objects) {
    const answer = await sandbox.request('admin', 'POST', path, { body })
    if (answer.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
  }
}
