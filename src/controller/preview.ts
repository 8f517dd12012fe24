/** The Ingress through which people look at the canary while its release runs. */
import { ingresses } from '../cluster/resources.ts'
import { canaryServiceOf } from '../core/canary-service.ts'
import { type Decision, normal, warning } from '../core/decision.ts'
import { whole } from '../core/kept.ts'
import { canaryName } from '../core/names.ts'
import type { Gathered } from '../core/observe.ts'
import { isControlledBy } from '../core/owner-reference.ts'
import { readPreview } from '../core/preview.ts'
import { describeAddresses, makePreviewIngress, previewConflict } from '../core/preview-ingress.ts'
import { type Acting, isRefusal, removeOnce } from './acting.ts'
import { refTo } from './refs.ts'

/**
 * Another's of its name is not touched. That there is no preview is told, and nothing else comes of it: the
 * release goes on.
 */
export async function fitPreview(acting: Acting, gathered: Gathered, decision: Decision): Promise<void> {
  if (decision.ingress === 'keep') return
  const name = canaryName(gathered.deployment.metadata.name)
  const found = gathered.ingresses?.get(name)
  const isOurs = found !== undefined && isControlledBy(found, gathered.deployment)
  if (decision.ingress === 'drop') return isOurs ? removeOnce(acting, ingresses, found) : undefined
  if (isOurs) return
  if (found) {
    return noPreview(acting, `an Ingress ${name} exists and was not made by Canaryhook; rename or delete it`)
  }
  await make(acting, gathered, decision.state?.preview ?? '')
}

async function make(acting: Acting, gathered: Gathered, text: string): Promise<void> {
  const reading = readPreview(text)
  if ('problem' in reading) return noPreview(acting, reading.problem)
  const deployment = whole(gathered.deployment)
  const services = gathered.services?.all() ?? []
  const others = gathered.ingresses?.all() ?? []
  const conflict = previewConflict(deployment, reading.preview, services, others)
  if (conflict) return noPreview(acting, conflict)
  const made = makePreviewIngress(deployment, reading.preview, services, others)
  // The watch tells when the canary's Service is there; an Ingress never leads to another's of that name.
  if (!made) return canaryServiceOf(deployment, services) ? noPreview(acting, NO_PORT) : undefined
  try {
    await acting.cluster.create(ingresses, refTo(deployment).namespace, made)
    const where = describeAddresses(made)
    acting.remarked(normal('Previewed', `while the release runs its canary can be seen at ${where}`))
  } catch (error) {
    if (!isRefusal(error)) throw error
    // One that exists was made before, and the watch is about to tell of it.
    if (error.code !== 'CLUSTER_EXISTS') noPreview(acting, error.message)
  }
}

const NO_PORT = 'an Ingress needs a TCP port, and the Service of the canary has none'

/** Tells people that the release has no preview, and why. */
export function noPreview(acting: Acting, why: string): void {
  acting.remarked(warning('NoPreview', `the release goes on without its preview: ${why}`))
}
