/** The columns of each kind (pkg/printers/internalversion/printers.go). */
import { at, listOf, objectOf, stringOf } from '../json.ts'
import { labelSelectorText } from '../label-selector.ts'
import type { ApiObject } from '../object.ts'
import type { Resource } from '../resources.ts'
import { age, humanDuration } from './age.ts'
import { autoscalerColumns } from './autoscaler-columns.ts'
import { podColumns } from './pod-columns.ts'

export interface Column {
  readonly name: string
  readonly type?: 'string' | 'integer'
  readonly format?: string
  readonly description?: string
  /** Only shown with -o wide. */
  readonly wide?: boolean
  readonly cell: (object: ApiObject, now: number) => string | number
}

const NAME: Column = { name: 'Name', format: 'name', cell: object => object.metadata.name }
const AGE: Column = { name: 'Age', cell: (object, now) => age(object.metadata.creationTimestamp, now) }

/** The columns for a kind; those with nothing special have name and age. */
export function columnsOf(resource: Resource): readonly Column[] {
  const special = COLUMNS[`${resource.group}/${resource.kind}`]
  return special ?? [NAME, AGE]
}

const number = (name: string, ...path: string[]): Column => ({
  name,
  type: 'integer',
  cell: object => Number(at(object, ...path) ?? 0),
})

const text = (name: string, ...path: string[]): Column => ({
  name,
  cell: object => stringOf(at(object, ...path)) || '<none>',
})

const wide = (column: Column): Column => ({ ...column, wide: true })

function containers(...path: string[]): Column[] {
  const list = (object: ApiObject) => listOf(at(object, ...path, 'containers'))
  const joined = (object: ApiObject, field: string) =>
    list(object)
      .map(container => stringOf(at(container, field)))
      .join(',')
  return [
    wide({ name: 'Containers', cell: object => joined(object, 'name') }),
    wide({ name: 'Images', cell: object => joined(object, 'image') }),
  ]
}

const SELECTOR = wide({
  name: 'Selector',
  cell: object => labelSelectorText(at(object, 'spec', 'selector')) || '<none>',
})

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  '/Pod': podColumns(NAME, AGE),
  '/Namespace': [NAME, text('Status', 'status', 'phase'), AGE],
  '/Node': [
    NAME,
    { name: 'Status', cell: node => (conditionStatus(node, 'Ready') === 'True' ? 'Ready' : 'NotReady') },
    { name: 'Roles', cell: () => '<none>' },
    AGE,
    {
      name: 'Version',
      cell: node => stringOf(at(node, 'status', 'nodeInfo', 'kubeletVersion')) || 'v1.36.0',
    },
  ],
  '/Service': [
    NAME,
    text('Type', 'spec', 'type'),
    text('Cluster-IP', 'spec', 'clusterIP'),
    { name: 'External-IP', cell: () => '<none>' },
    { name: 'Port(s)', cell: servicePorts },
    AGE,
    wide({
      name: 'Selector',
      cell: service => labelSelectorText({ matchLabels: at(service, 'spec', 'selector') }) || '<none>',
    }),
  ],
  '/Event': [
    {
      name: 'Last Seen',
      cell: (event, now) =>
        age(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp, now),
    },
    text('Type', 'type'),
    text('Reason', 'reason'),
    {
      name: 'Object',
      cell: event =>
        `${stringOf(at(event, 'involvedObject', 'kind')).toLowerCase()}/${stringOf(at(event, 'involvedObject', 'name'))}`,
    },
    { name: 'Message', cell: event => stringOf(event.message).trim() },
    wide({
      name: 'Source',
      cell: event => stringOf(at(event, 'source', 'component')) || stringOf(event.reportingComponent),
    }),
    wide({ ...number('Count', 'count') }),
    wide(NAME),
  ],
  '/ConfigMap': [
    NAME,
    { name: 'Data', type: 'integer', cell: map => Object.keys(objectOf(map.data)).length },
    AGE,
  ],
  '/Secret': [
    NAME,
    text('Type', 'type'),
    { name: 'Data', type: 'integer', cell: secret => Object.keys(objectOf(secret.data)).length },
    AGE,
  ],
  'apps/Deployment': [
    NAME,
    {
      name: 'Ready',
      cell: deployment =>
        `${Number(at(deployment, 'status', 'readyReplicas') ?? 0)}/${Number(at(deployment, 'spec', 'replicas') ?? 0)}`,
    },
    number('Up-to-date', 'status', 'updatedReplicas'),
    number('Available', 'status', 'availableReplicas'),
    AGE,
    ...containers('spec', 'template', 'spec'),
    SELECTOR,
  ],
  'apps/ReplicaSet': [
    NAME,
    number('Desired', 'spec', 'replicas'),
    number('Current', 'status', 'replicas'),
    number('Ready', 'status', 'readyReplicas'),
    AGE,
    ...containers('spec', 'template', 'spec'),
    SELECTOR,
  ],
  'apps/ControllerRevision': [
    NAME,
    { name: 'Controller', cell: controllerName },
    number('Revision', 'revision'),
    AGE,
  ],
  'batch/Job': [
    NAME,
    { name: 'Status', cell: jobStatus },
    {
      name: 'Completions',
      cell: job =>
        `${Number(at(job, 'status', 'succeeded') ?? 0)}/${Number(at(job, 'spec', 'completions') ?? 1)}`,
    },
    { name: 'Duration', cell: jobDuration },
    AGE,
    ...containers('spec', 'template', 'spec'),
    SELECTOR,
  ],
  'batch/CronJob': [
    NAME,
    text('Schedule', 'spec', 'schedule'),
    { name: 'Timezone', cell: job => stringOf(at(job, 'spec', 'timeZone')) || '<none>' },
    { name: 'Suspend', cell: job => (at(job, 'spec', 'suspend') === true ? 'True' : 'False') },
    { name: 'Active', type: 'integer', cell: job => listOf(at(job, 'status', 'active')).length },
    {
      name: 'Last Schedule',
      cell: (job, now) =>
        at(job, 'status', 'lastScheduleTime') ? age(at(job, 'status', 'lastScheduleTime'), now) : '<none>',
    },
    AGE,
  ],
  'autoscaling/HorizontalPodAutoscaler': autoscalerColumns(NAME, AGE),
  'coordination.k8s.io/Lease': [NAME, text('Holder', 'spec', 'holderIdentity'), AGE],
  'apiextensions.k8s.io/CustomResourceDefinition': [
    NAME,
    { name: 'Created At', cell: crd => stringOf(crd.metadata.creationTimestamp) },
  ],
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': [
    NAME,
    { name: 'Webhooks', type: 'integer', cell: configuration => listOf(configuration.webhooks).length },
    AGE,
  ],
}

function conditionStatus(object: ApiObject, type: string): string {
  const condition = listOf(at(object, 'status', 'conditions')).find(
    candidate => at(candidate, 'type') === type,
  )
  return stringOf(at(condition, 'status'))
}

function servicePorts(service: ApiObject): string {
  const ports = listOf(at(service, 'spec', 'ports')).map(port => {
    const nodePort = at(port, 'nodePort')
    return `${Number(at(port, 'port'))}${nodePort === undefined ? '' : `:${Number(nodePort)}`}/${stringOf(at(port, 'protocol')) || 'TCP'}`
  })
  return ports.join(',') || '<none>'
}

function controllerName(object: ApiObject): string {
  const owner = object.metadata.ownerReferences?.find(reference => reference.controller)
  if (owner === undefined) return '<none>'
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`
}

function jobStatus(job: ApiObject): string {
  if (conditionStatus(job, 'Complete') === 'True') return 'Complete'
  if (conditionStatus(job, 'Failed') === 'True') return 'Failed'
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating'
  return at(job, 'spec', 'suspend') === true ? 'Suspended' : 'Running'
}

function jobDuration(job: ApiObject, now: number): string {
  const start = Date.parse(stringOf(at(job, 'status', 'startTime')))
  if (Number.isNaN(start)) return ''
  const end = Date.parse(stringOf(at(job, 'status', 'completionTime')))
  return humanDuration((Number.isNaN(end) ? now : end) - start)
}
