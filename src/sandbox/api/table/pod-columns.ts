/** The columns of pods; the status is worked out as kubectl shows it (printers.go printPod). */
import { at, listOf, stringOf } from '../json.ts'
import type { ApiObject } from '../object.ts'
import { age } from './age.ts'
import type { Column } from './columns.ts'

export function podColumns(name: Column, age: Column): readonly Column[] {
  return [
    name,
    { name: 'Ready', cell: readyContainers },
    { name: 'Status', cell: podStatus },
    { name: 'Restarts', cell: restarts },
    age,
    { name: 'IP', wide: true, cell: pod => stringOf(at(pod, 'status', 'podIP')) || '<none>' },
    { name: 'Node', wide: true, cell: pod => stringOf(at(pod, 'spec', 'nodeName')) || '<none>' },
    { name: 'Nominated Node', wide: true, cell: () => '<none>' },
    { name: 'Readiness Gates', wide: true, cell: readinessGates },
  ]
}

function statuses(pod: ApiObject): unknown[] {
  return listOf(at(pod, 'status', 'containerStatuses'))
}

function readyContainers(pod: ApiObject): string {
  const ready = statuses(pod).filter(
    status => at(status, 'ready') === true && at(status, 'state', 'running') !== undefined,
  )
  return `${ready.length}/${listOf(at(pod, 'spec', 'containers')).length}`
}

/** The word in the STATUS column: the last container that has a reason of its own gives it. */
export function podStatus(pod: ApiObject): string {
  let reason = stringOf(at(pod, 'status', 'reason')) || stringOf(at(pod, 'status', 'phase')) || 'Pending'
  let running = false
  for (const status of [...statuses(pod)].reverse()) {
    const waiting = stringOf(at(status, 'state', 'waiting', 'reason'))
    const terminated = at(status, 'state', 'terminated')
    if (waiting) reason = waiting
    else if (terminated !== undefined) {
      reason = stringOf(at(terminated, 'reason')) || `ExitCode:${Number(at(terminated, 'exitCode'))}`
    } else if (at(status, 'ready') === true && at(status, 'state', 'running') !== undefined) running = true
  }
  if (reason === 'Completed' && running) reason = isReady(pod) ? 'Running' : 'NotReady'
  return pod.metadata.deletionTimestamp === undefined ? reason : 'Terminating'
}

function isReady(pod: ApiObject): boolean {
  return listOf(at(pod, 'status', 'conditions')).some(
    c => at(c, 'type') === 'Ready' && at(c, 'status') === 'True',
  )
}

function restarts(pod: ApiObject, now: number): string {
  const count = statuses(pod).reduce<number>(
    (sum, status) => sum + Number(at(status, 'restartCount') ?? 0),
    0,
  )
  const ends = statuses(pod).map(status => stringOf(at(status, 'lastState', 'terminated', 'finishedAt')))
  const last = ends.sort().at(-1)
  return count > 0 && last ? `${count} (${age(last, now)} ago)` : String(count)
}

function readinessGates(pod: ApiObject): string {
  const gates = listOf(at(pod, 'spec', 'readinessGates'))
  if (gates.length === 0) return '<none>'
  const open = gates.filter(gate =>
    listOf(at(pod, 'status', 'conditions')).some(
      condition => at(condition, 'type') === at(gate, 'conditionType') && at(condition, 'status') === 'True',
    ),
  )
  return `${open.length}/${gates.length}`
}
