import type { Course } from './course.ts'

/** The last line: how many of what. */
export function summary(courses: readonly Course[], isComplete: boolean): string {
  const count = (is: (course: Course) => boolean) => courses.filter(is).length
  const parts = [
    [count(({ story }) => story.former !== undefined), 'back at the version that serves'],
    [count(({ story }) => story.promoting && story.former === undefined), 'rolled out as accepted'],
    [
      count(({ story }) => story.found === undefined && story.deeds.size > 0),
      'rid of the record of a release',
    ],
    [count(({ story }) => story.found === undefined && story.deeds.size === 0), 'as they were'],
  ] as const
  const told = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  if (courses.length === 0 && isComplete) {
    return 'No Deployment was asked to have canaries. Nothing of Canaryhook is left.'
  }
  const deployments = courses.length === 1 ? '1 Deployment' : `${courses.length} Deployments`
  const counts = [deployments, ...(told.length > 0 ? [told.join(', ')] : [])].join(': ')
  return isComplete
    ? `${counts}. Nothing of Canaryhook is left on them but the annotations that people wrote; these do nothing any more.`
    : `${counts}. Not everything is done: run this again to go on from here. Nothing is lost or shipped meanwhile.`
}
