import { expect, test } from 'vitest'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { Course } from '../../src/uninstall/course.ts'
import { summary } from '../../src/uninstall/summary.ts'
import { held, replicaSet, shop } from '../core/shop.ts'

function course(deployment: Deployment, did: (on: Course) => void): Course {
  const made = new Course('default/shop', deployment)
  did(made)
  return made
}

const aborted = course(held(), on => on.did('let go', { kind: 'other', set: replicaSet('v1', 10) }))
const promoted = course(held({ phase: 'Promoting' }), on => on.did('clear'))
const recorded = course(shop(), on => on.did('clear'))
const untouched = course(shop(), () => {})

test.each<readonly [string, readonly Course[], boolean, string]>([
  [
    'counts what became of them',
    [aborted, aborted, promoted, recorded, untouched],
    true,
    '5 Deployments: 2 back at the version that serves, 1 rolled out as accepted, 1 rid of the record of a release, 1 as they were. Nothing of Canaryhook is left on them but the annotations that people wrote; these do nothing any more.',
  ],
  [
    'says that it can be run again where something is left',
    [aborted],
    false,
    '1 Deployment: 1 back at the version that serves. Not everything is done: run this again to go on from here. Nothing is lost or shipped meanwhile.',
  ],
  [
    'says so where nobody used it',
    [],
    true,
    'No Deployment was asked to have canaries. Nothing of Canaryhook is left.',
  ],
])('the last line %s', (_what, courses, isComplete, line) => expect(summary(courses, isComplete)).toBe(line))
