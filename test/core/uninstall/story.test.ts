import { expect, test } from 'vitest'
import type { Deployment } from '../../../src/core/kubernetes.ts'
import type { Deed } from '../../../src/core/uninstall/next-step.ts'
import { beginStory, endOf, imagesOf, planOf, withDeed } from '../../../src/core/uninstall/story.ts'
import { held, replicaSet, shop, state } from '../shop.ts'

const v1 = { kind: 'other', set: replicaSet('v1', 10) } as const
const failed = held({ phase: 'Failed', reason: 'Aborted', message: 'x' })

function told(deployment: Deployment, deeds: readonly Deed[], replicas = 10): string | undefined {
  const begun = beginStory(deployment)
  const story = deeds.reduce((so, deed) => withDeed(so, deed, deed === 'let go' ? v1 : undefined), begun)
  return endOf(story, shop({ spec: { replicas } }))
}

test.each<readonly [string, string | undefined, string | undefined]>([
  [
    'a release that was aborted',
    told(held(), ['abort', 'let go', 'clear']),
    'its release of shop:v2 was at step 1 of 2 (10%) and was aborted; shop:v1 serves on 10 pods and is in its template again. To roll out shop:v2 without a canary, apply it again',
  ],
  [
    'a failed one, of a single pod',
    told(failed, ['let go', 'clear'], 1),
    'its release of shop:v2 had failed and was held; shop:v1 serves on 1 pod and is in its template again. To roll out shop:v2 without a canary, apply it again',
  ],
  [
    'one that was accepted',
    told(held({ phase: 'Promoting' }), ['clear']),
    'shop:v2 had been accepted and was being rolled out; it serves on 10 pods',
  ],
  [
    'a record of one',
    told(shop({ state: state({ phase: 'Succeeded' }) }), ['clear']),
    'at rest; what was kept about its last release was removed',
  ],
  ['nothing at all', told(shop(), []), undefined],
  [
    'an app that was deleted while it was waited for',
    told(held({ phase: 'Promoting' }), []),
    'shop:v2 had been accepted and was being rolled out; it was deleted meanwhile',
  ],
])('a person is told of %s', (_what, line, expected) => expect(line).toBe(expected))

test.each<readonly [string, string | undefined, string | undefined]>([
  [
    'a release that runs',
    planOf(beginStory(held()), 'abort', 'shop:v1'),
    'its release of shop:v2 was at step 1 of 2 (10%); it would be aborted, shop:v1 put into its template again and un-paused',
  ],
  [
    'one that is held',
    planOf(beginStory(failed), 'let go', 'shop:v1'),
    'its release of shop:v2 had failed and was held; it would have shop:v1 put into its template again and un-paused',
  ],
  [
    'one that is rolled out',
    planOf(beginStory(held({ phase: 'Promoting' })), 'wait', undefined),
    'shop:v2 had been accepted and was being rolled out; that would be waited for',
  ],
  [
    'a record',
    planOf(beginStory(shop({ state: state({ phase: 'Succeeded' }) })), 'clear', undefined),
    'at rest; what is kept about its last release would be removed',
  ],
  ['nothing', planOf(beginStory(shop()), 'done', undefined), undefined],
])('a dry run tells what would become of %s', (_what, line, expected) => expect(line).toBe(expected))

test.each([
  ['without the registry', [{ name: 'a', image: 'registry.example:5000/team/shop:v2' }], 'shop:v2'],
  [
    'all of them',
    [
      { name: 'a', image: 'shop:v2' },
      { name: 'b', image: 'proxy:1' },
    ],
    'shop:v2 + proxy:1',
  ],
])('images are named %s', (_how, containers, expected) => {
  expect(imagesOf({ spec: { containers } })).toBe(expected)
})
