/** The log of a container, as far as the simulation keeps it. */
import type { Cluster } from '@ngrok/webernetes'
import { readContainerLog } from '../simulation/cluster.ts'
import { at, listOf, stringOf } from './json.ts'
import type { ApiObject } from './object.ts'
import { badRequest } from './status.ts'

/**
 * @param query `container`, `previous` and `tailLines` as in the real API; `follow` ends at what is there
 * @throws StatusError 400 when the container is not named and there are several, or has no log
 */
export function podLog(cluster: Cluster, pod: ApiObject, query: URLSearchParams): string {
  const { name, namespace = 'default' } = pod.metadata
  const container = query.get('container') ?? onlyContainer(pod)
  const previous = query.get('previous') === 'true'
  const log = readContainerLog(cluster, { namespace, pod: name, container, previous })
  if (log === undefined) {
    throw badRequest(
      previous
        ? `previous terminated container "${container}" in pod "${name}" not found`
        : `container "${container}" in pod "${name}" is waiting to start`,
    )
  }
  const tail = query.get('tailLines')
  return tail === null ? log : lastLines(log, Number(tail))
}

function onlyContainer(pod: ApiObject): string {
  const names = listOf(at(pod, 'spec', 'containers')).map(container => stringOf(at(container, 'name')))
  const [first = ''] = names
  if (names.length > 1) {
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names.join(' ')}]`,
    )
  }
  return first
}

function lastLines(log: string, count: number): string {
  const lines = log.split(/(?<=\n)/)
  return count <= 0 ? '' : lines.slice(-count).join('')
}
