import type { Settings } from '../annotations.ts'
import type { Deployment } from '../kubernetes.ts'
import { leavesRoom } from '../replicas.ts'

/**
 * Why a Deployment cannot have canary releases as it is written, with what to do about it; undefined when it
 * can.
 *
 * @param total the replicas that the user wants; in a release spec.replicas is not that
 */
export function unfit(object: Deployment, settings: Settings, total: number): string | undefined {
  const { strategy } = object.spec
  const { namespace = 'default', name } = object.metadata
  const where = `Deployment ${namespace}/${name} was not stored`
  if (strategy?.type === 'Recreate') {
    return (
      `${where}: strategy Recreate says that two versions must not run side by side, and a canary is just that; ` +
      'use strategy RollingUpdate, or remove canaryhook.dev/steps'
    )
  }
  if (settings.capacity === 'shift' && !leavesRoom(total, strategy)) {
    return (
      `${where}: 1 replica with maxSurge 0 leaves no room for a canary; ` +
      'allow maxSurge: 1, or use 2 replicas or more, or write canaryhook.dev/capacity: surge'
    )
  }
  const { isolate } = settings
  if (isolate !== undefined && !Object.hasOwn(object.spec.template.metadata?.labels ?? {}, isolate)) {
    return (
      `${where}: canaryhook.dev/isolate names the label ${isolate}, and the pod template has no such label; ` +
      'write the key of a label of the pods that every Service of the app asks for'
    )
  }
  return undefined
}
