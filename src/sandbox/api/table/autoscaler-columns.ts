/** The columns of a HorizontalPodAutoscaler (pkg/printers/internalversion/printers.go formatHPAMetrics). */
import { at, listOf, stringOf } from '../json.ts'
import type { ApiObject } from '../object.ts'
import type { Column } from './columns.ts'

const MOST_TARGETS = 2
const UNKNOWN = '<unknown>'

export function autoscalerColumns(name: Column, age: Column): readonly Column[] {
  return [
    name,
    { name: 'Reference', cell: reference },
    { name: 'Targets', cell: targets },
    { name: 'MinPods', cell: object => textOf(at(object, 'spec', 'minReplicas'), '<unset>') },
    { name: 'MaxPods', cell: object => textOf(at(object, 'spec', 'maxReplicas'), '0') },
    { name: 'Replicas', cell: object => textOf(at(object, 'status', 'currentReplicas'), '0') },
    age,
  ]
}

function reference(object: ApiObject): string {
  const target = at(object, 'spec', 'scaleTargetRef')
  return `${stringOf(at(target, 'kind'))}/${stringOf(at(target, 'name'))}`
}

function targets(object: ApiObject): string {
  const metrics = listOf(at(object, 'spec', 'metrics'))
  if (metrics.length === 0) return '<none>'
  const current = listOf(at(object, 'status', 'currentMetrics'))
  const shown = metrics.map((metric, index) => target(metric, current[index]))
  const more = shown.length > MOST_TARGETS ? ` + ${shown.length - MOST_TARGETS} more...` : ''
  return shown.slice(0, MOST_TARGETS).join(', ') + more
}

/** `cpu: <unknown>/80%`, `<unknown>/5 (avg)`: what is measured and what is wanted. */
function target(metric: unknown, status: unknown): string {
  const type = stringOf(at(metric, 'type'))
  const source = type.charAt(0).toLowerCase() + type.slice(1)
  const wanted = at(metric, source, 'target')
  const is = at(status, source, 'current')
  const average = at(wanted, 'averageValue')
  if (type === 'Resource' || type === 'ContainerResource') {
    const name = `${stringOf(at(metric, source, 'name'))}: `
    if (average !== undefined) return `${name}${textOf(at(is, 'averageValue'), UNKNOWN)}/${average}`
    return `${name}${percent(at(is, 'averageUtilization'), UNKNOWN)}/${percent(at(wanted, 'averageUtilization'), '<auto>')}`
  }
  if (average === undefined)
    return `${textOf(at(is, 'value'), UNKNOWN)}/${textOf(at(wanted, 'value'), UNKNOWN)}`
  const note = type === 'Pods' ? '' : ' (avg)'
  return `${textOf(at(is, 'averageValue'), UNKNOWN)}/${average}${note}`
}

function percent(value: unknown, missing: string): string {
  return typeof value === 'number' ? `${value}%` : missing
}

function textOf(value: unknown, missing: string): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : missing
}
