/** Templates of a canary that no user meets. */
import { describe, expect, test } from 'vitest'
import { GATE, isolateTemplate } from '../../src/core/gate.ts'
import type { PodTemplate } from '../../src/core/kubernetes.ts'

const containers = [{ name: 'shop', image: 'shop:v2' }]
const template: PodTemplate = {
  metadata: { labels: { app: 'shop', production: 'true' }, annotations: { a: 'b' } },
  spec: { containers, serviceAccountName: 'shop' },
}
const gate = { conditionType: GATE }

describe('by the gate', () => {
  test('one condition more is asked for, and all else stays', () => {
    expect(isolateTemplate(template)).toEqual({
      ...template,
      spec: { ...template.spec, readinessGates: [gate] },
    })
  })

  test.each<readonly [string, PodTemplate['spec'], readonly unknown[]]>([
    [
      'the user’s own gates stay',
      { readinessGates: [{ conditionType: 'a' }] },
      [{ conditionType: 'a' }, gate],
    ],
    ['it is there once', { readinessGates: [gate] }, [gate]],
    ['a template without anything gets it', undefined, [gate]],
  ])('%s', (_sentence, spec, readinessGates) => {
    const isolated = isolateTemplate({ ...template, ...(spec ? { spec } : { spec: {} }) })
    expect(isolated.spec?.readinessGates).toEqual(readinessGates)
  })
})

describe('by a label', () => {
  test('that one is left out, and all else stays', () => {
    expect(isolateTemplate(template, 'production')).toEqual({
      ...template,
      metadata: { labels: { app: 'shop' }, annotations: { a: 'b' } },
    })
  })

  test('a template that does not have it stays as it is', () => {
    expect(isolateTemplate(template, 'tier')).toEqual(template)
  })
})

test('the template that is given is not changed', () => {
  const before = structuredClone(template)
  isolateTemplate(template)
  isolateTemplate(template, 'production')
  expect(template).toEqual(before)
})
