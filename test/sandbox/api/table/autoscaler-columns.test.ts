import { expect, test } from 'vitest'
import type { ApiObject } from '../../../../src/sandbox/api/object.ts'
import { autoscalerColumns } from '../../../../src/sandbox/api/table/autoscaler-columns.ts'

function shown(spec: object, status: object = {}): readonly (string | number)[] {
  const object: ApiObject = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'shop' },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'shop' }, ...spec },
    status,
  }
  const name = { name: 'Name', cell: ({ metadata }: ApiObject) => metadata.name }
  return autoscalerColumns(name, { name: 'Age', cell: () => '1s' }).map(({ cell }) => cell(object, 0))
}

const cpu = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
}
const external = (target: object) => ({ type: 'External', external: { target } })

test('an autoscaler is one line: what it scales, by what, and how far', () => {
  const spec = { minReplicas: 2, maxReplicas: 5, metrics: [cpu] }
  const status = {
    currentReplicas: 3,
    currentMetrics: [{ type: 'Resource', resource: { current: { averageUtilization: 41 } } }],
  }
  expect(shown(spec)).toEqual(['shop', 'Deployment/shop', 'cpu: <unknown>/80%', '2', '5', '0', '1s'])
  expect(shown(spec, status)).toEqual(['shop', 'Deployment/shop', 'cpu: 41%/80%', '2', '5', '3', '1s'])
})

test.each([
  ['no metric', [], '<none>'],
  ['memory in bytes', [resource({ averageValue: '1Gi' })], 'memory: <unknown>/1Gi'],
  ['an average of something outside', [external({ averageValue: '5' })], '<unknown>/5 (avg)'],
  ['a value of something outside', [external({ value: '100' })], '<unknown>/100'],
  ['an average over the pods', [{ type: 'Pods', pods: { target: { averageValue: '7' } } }], '<unknown>/7'],
  ['of many metrics the first two', [cpu, cpu, cpu], 'cpu: <unknown>/80%, cpu: <unknown>/80% + 1 more...'],
])('shows %s', (_sentence, metrics, expected) => {
  expect(shown({ maxReplicas: 5, metrics })[2]).toBe(expected)
})

function resource(target: object) {
  return { type: 'Resource', resource: { name: 'memory', target } }
}
