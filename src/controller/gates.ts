/** What a canary is tested with: its own Service, and Jobs. */
import { ApiError } from '../cluster/port.ts'
import { jobs, services } from '../cluster/resources.ts'
import { makeCanaryService, servicesOf, testLeakOf, urlOf } from '../core/canary-service.ts'
import type { Decision } from '../core/decision.ts'
import { whole } from '../core/kept.ts'
import type { Deployment, Service } from '../core/kubernetes.ts'
import { serviceName } from '../core/names.ts'
import type { Gathered } from '../core/observe.ts'
import { isControlledBy } from '../core/owner-reference.ts'
import type { State } from '../core/state.ts'
import { makeTestJob, type TestEnvironment, templateOf } from '../core/test-job.ts'
import { readTestSource } from '../core/test-source.ts'
import { stagesOf, weightOf } from '../core/weights.ts'
import { type Acting, isRefusal, removeOnce } from './acting.ts'
import { noPreview } from './preview.ts'
import { refTo } from './refs.ts'

/** The Service that leads to the canary's pods alone, ready or not. Another's of its name is not touched. */
export async function fitService(acting: Acting, gathered: Gathered, decision: Decision): Promise<void> {
  const { service } = decision
  if (service === 'keep') return
  const { namespace, name: app } = refTo(gathered.deployment)
  const name = serviceName(app)
  const found = gathered.services?.get(name)
  const isOurs = found !== undefined && isControlledBy(found, gathered.deployment)
  if (service === 'drop') return isOurs ? removeOnce(acting, services, found) : undefined
  if (isOurs) return
  if (found) {
    const why = `a Service ${name} exists and was not made by Canaryhook; rename or delete it`
    // A release can do without its preview, and not without its test.
    return decision.state?.test === undefined ? noPreview(acting, why) : refuse(acting, why)
  }
  const made = makeCanaryService(whole(gathered.deployment), gathered.services?.all() ?? [])
  if (made) await create(acting, () => acting.cluster.create(services, namespace, made))
}

/** Starts the test Job that shall be there. That its CronJob is missing may mend itself until the deadline. */
export async function startTest(
  acting: Acting,
  gathered: Gathered,
  { test, state }: Decision,
): Promise<void> {
  if (!test || !state) return
  const { cronJob = () => undefined } = gathered
  const reading = readTestSource(state.test ?? '')
  const template = 'source' in reading ? templateOf(reading.source, cronJob) : undefined
  if (!template) return refuse(acting, `${state.test} does not exist`)
  const deployment = whole(gathered.deployment)
  const inNamespace = gathered.services?.all() ?? []
  const environment = environmentOf(deployment, inNamespace, state)
  const job = makeTestJob(deployment, template, test, environment, state.deadline)
  const leak = testLeakOf(inNamespace, job.spec.template)
  if (leak) return refuse(acting, leak)
  await create(acting, async () => {
    acting.caches.tests.absorb(await acting.cluster.create(jobs, refTo(deployment).namespace, job))
  })
}

function environmentOf(
  deployment: Deployment,
  inNamespace: readonly Service[],
  state: State,
): TestEnvironment {
  const [stable] = servicesOf(inNamespace, deployment.spec.template.metadata?.labels ?? {})
  const canary = makeCanaryService(deployment, inNamespace)
  return {
    canaryUrl: canary && urlOf(canary),
    stableUrl: stable && urlOf(stable),
    release: state.release,
    step: stagesOf(state)[state.step]?.step ?? state.step + 1,
    weight: weightOf(state),
  }
}

export async function dropTests({ cluster, caches }: Acting, { dropTests }: Decision): Promise<void> {
  for (const { namespace, name, uid } of dropTests) {
    await cluster.remove(jobs, { namespace, name }, { uid })
    caches.tests.forget({ namespace, name })
  }
}

function refuse(acting: Acting, message: string): void {
  acting.refused(new ApiError('CLUSTER_INVALID', message, { status: 422 }))
}

/** What exists already was made before, and the watch is about to tell of it. */
async function create(acting: Acting, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (error instanceof ApiError && error.code === 'CLUSTER_EXISTS') return
    if (!isRefusal(error)) throw error
    acting.refused(error)
  }
}
