import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/sandbox/api/json.ts'
import { applyStrategicMerge } from '../../../../src/sandbox/api/patch/strategic-merge.ts'

const deployment = {
  metadata: { finalizers: ['a'], ownerReferences: [{ uid: '1', name: 'one' }] },
  spec: {
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    template: {
      spec: {
        containers: [
          {
            name: 'web',
            image: 'web:v1',
            args: ['a', 'b'],
            env: [{ name: 'A', value: '1' }],
            ports: [{ containerPort: 80 }],
          },
          { name: 'log', image: 'log:v1' },
        ],
        tolerations: [{ key: 'x' }],
      },
    },
  },
  status: {
    conditions: [
      { type: 'Available', status: 'True' },
      { type: 'Progressing', status: 'True', reason: 'x' },
    ],
  },
}

type Row = readonly [sentence: string, patch: JsonObject, path: string, expected: unknown]

const containers = (list: unknown, more: JsonObject = {}) => ({
  spec: { template: { spec: { containers: list, ...more } } },
})

const rows: readonly Row[] = [
  ['null removes a field', { spec: { strategy: null } }, 'spec.strategy', undefined],
  [
    'merges containers by name and keeps the others',
    containers([{ name: 'web', image: 'web:v2' }]),
    'spec.template.spec.containers',
    [
      { ...deployment.spec.template.spec.containers[0], image: 'web:v2' },
      { name: 'log', image: 'log:v1' },
    ],
  ],
  [
    'adds a container it does not know at the end',
    containers([{ name: 'new', image: 'n' }]),
    'spec.template.spec.containers',
    [...deployment.spec.template.spec.containers, { name: 'new', image: 'n' }],
  ],
  [
    'deletes a container by name',
    containers([{ name: 'web', $patch: 'delete' }]),
    'spec.template.spec.containers',
    [{ name: 'log', image: 'log:v1' }],
  ],
  [
    'replaces a whole list when asked to',
    containers([{ name: 'only', image: 'o' }, { $patch: 'replace' }]),
    'spec.template.spec.containers',
    [{ name: 'only', image: 'o' }],
  ],
  [
    'orders a list as $setElementOrder says',
    containers([], { '$setElementOrder/containers': [{ name: 'log' }, { name: 'web' }] }),
    'spec.template.spec.containers',
    [deployment.spec.template.spec.containers[1], deployment.spec.template.spec.containers[0]],
  ],
  [
    'merges env by name inside a container',
    containers([{ name: 'web', env: [{ name: 'B', value: '2' }] }]),
    'spec.template.spec.containers.0.env',
    [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ],
  ],
  [
    'merges container ports by containerPort',
    containers([{ name: 'web', ports: [{ containerPort: 80, name: 'http' }] }]),
    'spec.template.spec.containers.0.ports',
    [{ containerPort: 80, name: 'http' }],
  ],
  [
    'replaces a list that has no merge key',
    containers([{ name: 'web', args: ['c'] }]),
    'spec.template.spec.containers.0.args',
    ['c'],
  ],
  [
    'replaces tolerations',
    containers([], { tolerations: [{ key: 'y' }] }),
    'spec.template.spec.tolerations',
    [{ key: 'y' }],
  ],
  [
    'merges conditions by type, so foreign ones stay',
    {
      status: {
        conditions: [
          { type: 'Progressing', status: 'False' },
          { type: 'Stalled', status: 'True' },
        ],
      },
    },
    'status.conditions',
    [
      { type: 'Available', status: 'True' },
      { type: 'Progressing', status: 'False', reason: 'x' },
      { type: 'Stalled', status: 'True' },
    ],
  ],
  [
    'deletes a condition by type',
    { status: { conditions: [{ type: 'Progressing', $patch: 'delete' }] } },
    'status.conditions',
    [{ type: 'Available', status: 'True' }],
  ],
  [
    'merges owner references by uid',
    { metadata: { ownerReferences: [{ uid: '2', name: 'two' }] } },
    'metadata.ownerReferences',
    [
      { uid: '1', name: 'one' },
      { uid: '2', name: 'two' },
    ],
  ],
  [
    'adds to finalizers as to a set',
    { metadata: { finalizers: ['a', 'b'] } },
    'metadata.finalizers',
    ['a', 'b'],
  ],
  [
    'takes values out of a plain list',
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
    'metadata.finalizers',
    [],
  ],
  [
    'keeps only the keys that $retainKeys names',
    { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    'spec.strategy',
    { type: 'Recreate' },
  ],
  [
    'replaces an object when asked to',
    { spec: { strategy: { $patch: 'replace', type: 'Recreate' } } },
    'spec.strategy',
    { type: 'Recreate' },
  ],
]

function read(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((here, name) => (here as JsonObject | undefined)?.[name], value)
}

test.each(rows)('%s', (_sentence, patch, path, expected) => {
  const before = structuredClone(deployment)
  expect(read(applyStrategicMerge(deployment, patch), path)).toEqual(expected)
  expect(deployment).toEqual(before)
})

test('says which item has no merge key', () => {
  expect(() => applyStrategicMerge(deployment, containers([{ image: 'x' }]))).toThrow(/merge key: name/)
})
