/** Jobs, as the simulated Job controller sees them: they live in the API's storage. */
import type { Job, JobStore } from '../simulation/job.ts'
import { jsonEqual } from './json.ts'
import type { ApiObject } from './object.ts'
import type { Store } from './store.ts'

const PREFIX = '/registry/batch/jobs/'

export function jobStore(store: Store): JobStore {
  const current = (job: Job): { key: string; object: ApiObject } | undefined => {
    const found = store.byUid(job.metadata.uid)
    return found?.key.startsWith(PREFIX) === true ? found : undefined
  }
  return {
    list: () => store.list(PREFIX).map(({ object }) => asJob(object)),
    onChange: listener =>
      store.listen(event => {
        if (event.key.startsWith(PREFIX)) listener()
      }),
    async writeStatus(job, status) {
      for (;;) {
        const found = current(job)
        if (found === undefined || jsonEqual(found.object.status, status)) return
        if (await store.put(found.key, { ...found.object, status }, found.object)) return
      }
    },
    async remove(job) {
      for (;;) {
        const found = current(job)
        if (found === undefined || (await store.remove(found.key, found.object))) return
      }
    },
  }
}

/** What validation let in as a Job has the fields of one. */
function asJob(object: ApiObject): Job {
  return object as unknown as Job
}
