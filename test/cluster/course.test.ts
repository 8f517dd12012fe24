import { expect, test } from 'vitest'
import { type Course, nextCourse, type Outcome, START } from '../../src/cluster/course.ts'

const watching = (failures = 0): Course => ({ version: '7', wait: 0, failures })
const MIDDLE = 0.5

test.each<[string, Course, Outcome, Partial<Course>]>([
  [
    'watches from the version of the list',
    START,
    { type: 'listed', version: '7' },
    { version: '7', wait: 0 },
  ],
  [
    'waits and lists again when a list failed',
    START,
    { type: 'list failed' },
    { version: undefined, wait: 150, failures: 1 },
  ],
  ['waits as long as the server asks', START, { type: 'list failed', retryAfter: 9_000 }, { wait: 9_000 }],
  [
    'looks again after minutes for a kind that the cluster does not have',
    { version: undefined, wait: 0, failures: 3 },
    { type: 'no such kind' },
    { version: undefined, wait: 300_000, failures: 0 },
  ],
  [
    'watches on at once when a watch that worked has ended',
    watching(3),
    { type: 'watch ended', version: '9', healthy: true },
    { version: '9', wait: 0, failures: 0 },
  ],
  [
    'waits when a watch ended as soon as it began',
    watching(),
    { type: 'watch ended', version: '7', healthy: false },
    { version: '7', wait: 150, failures: 1 },
  ],
  [
    'goes on from the last version seen when a connection broke',
    watching(3),
    { type: 'watch failed', version: '9', healthy: true },
    { version: '9', wait: 150, failures: 1 },
  ],
  [
    'waits longer the more often a watch could not be had',
    watching(3),
    { type: 'watch failed', version: '7', healthy: false },
    { version: '7', wait: 1200, failures: 4 },
  ],
  [
    'lists when a watch could not be had five times',
    watching(4),
    { type: 'watch failed', version: '7', healthy: false },
    { version: undefined, failures: 5 },
  ],
  [
    'lists at once when a watch that worked has expired',
    watching(2),
    { type: 'watch expired', healthy: true },
    START,
  ],
  [
    'waits and lists when a watch expired as soon as it began',
    watching(2),
    { type: 'watch expired', healthy: false },
    { version: undefined, wait: 600, failures: 3 },
  ],
  [
    'keeps counting failures over a list, since a list may work and the watch after it never',
    watching(4),
    { type: 'listed', version: '8' },
    { version: '8', wait: 0, failures: 4 },
  ],
  ['waits 30 s at most', watching(40), { type: 'list failed' }, { wait: 22_500 }],
])('%s', (_sentence, course, outcome, expected) => {
  expect(nextCourse(course, outcome, MIDDLE)).toMatchObject(expected)
})

test('the wait is spread between a half and the whole, so that not all come back at once', () => {
  expect(nextCourse(START, { type: 'list failed' }, 0).wait).toBe(100)
  expect(nextCourse(START, { type: 'list failed' }, 1).wait).toBe(200)
})
