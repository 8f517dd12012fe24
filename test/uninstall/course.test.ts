import { describe, expect, test } from 'vitest'
import { ApiError } from '../../src/cluster/port.ts'
import { Course } from '../../src/uninstall/course.ts'
import { held, NOW, replicaSet, shop } from '../core/shop.ts'

const v1 = { kind: 'other', set: replicaSet('v1', 10) } as const

function refusal(code: string, retryAfter?: number): ApiError {
  return new ApiError(code, 'PATCH deployments default/shop: no', {
    status: 403,
    ...(retryAfter !== undefined && { retryAfter }),
  })
}

describe('what is told of a Deployment', () => {
  test('its end, once', () => {
    const course = new Course('default/shop', held())
    course.did('abort')
    course.did('let go', v1)
    course.see(shop())
    expect(course.told()).toMatch(
      /^✔ default\/shop: its release of shop:v2 .* was aborted; shop:v1 serves on 10 pods/,
    )
    expect(course.told()).toBeUndefined()
  })

  test('nothing, where nothing was found and nothing done', () => {
    expect(new Course('default/shop', shop()).told()).toBeUndefined()
  })

  test('another end, when a release came that was held before the registration was gone', () => {
    const course = new Course('default/shop', shop())
    course.told()
    course.see(held({ phase: 'Pending', release: '' }))
    course.did('abort')
    course.did('let go', v1)
    expect(course.told()).toMatch(/its release of shop:v2 was about to start and was aborted/)
  })

  test('the version that was taken back last, when a third one was applied meanwhile', () => {
    const course = new Course('default/shop', held())
    course.see(held({ phase: 'Pending', release: '' }, { version: 'v3' }))
    course.did('let go', v1)
    expect(course.told()).toMatch(/To roll out shop:v3 without a canary, apply it again/)
  })

  test('what it waits for, that what serves goes on serving, and where to look', () => {
    const course = new Course('default/shop', held())
    course.waitsFor('its release is aborted')
    expect(course.unfinished()).toBe(
      '✖ default/shop: its release of shop:v2 was at step 1 of 2 (10%); not finished: waiting until its release is aborted. It is paused, and what serves goes on serving. To see why: kubectl -n default describe deployment/shop',
    )
  })

  test('what a person has to type, where one has to decide', () => {
    const course = new Course('default/shop', held())
    course.isStuckAt('nothing is recorded', 'kubectl rollout resume')
    expect(course.unfinished()).toMatch(/; nothing is recorded\. It is paused.* kubectl rollout resume$/)
  })
})

describe('a write that failed', () => {
  test('is tried again a second later, and told in the API server’s words', () => {
    const course = new Course('default/shop', held())
    course.failed(refusal('CLUSTER_FORBIDDEN'), NOW)
    expect([course.mayTry(NOW + 999), course.mayTry(NOW + 1000)]).toEqual([false, true])
    expect(course.unfinished()).toMatch(/a write was refused: PATCH deployments default\/shop: no\./)
  })

  test('is tried again when the API server says', () => {
    const course = new Course('default/shop', held())
    course.failed(refusal('CLUSTER_THROTTLED', 5000), NOW)
    expect([course.mayTry(NOW + 4999), course.mayTry(NOW + 5000)]).toEqual([false, true])
  })

  test('because of something newer is tried at once, from that', () => {
    const course = new Course('default/shop', held())
    course.failed(refusal('CLUSTER_CONFLICT'), NOW)
    expect(course.mayTry(NOW)).toBe(true)
  })

  test('by a mistake of ours is not hidden', () => {
    const course = new Course('default/shop', held())
    expect(() => course.failed(new TypeError('x'), NOW)).toThrow(TypeError)
  })
})
