/** What a canary is tested with: what is written for which wish. */
import { describe, expect, test } from 'vitest'
import type { Acting } from '../../src/controller/acting.ts'
import { startCaches } from '../../src/controller/caches.ts'
import { dropTests, fitService, startTest } from '../../src/controller/gates.ts'
import { AS_IT_IS, type Decision } from '../../src/core/decision.ts'
import type { CronJob, Job, Service } from '../../src/core/kubernetes.ts'
import { readTest } from '../../src/core/test-job.ts'
import { held, NOW, owner, state } from '../core/shop.ts'
import { MemoryCluster } from './memory-cluster.ts'

const nothing: Decision = {
  ...AS_IT_IS,
  state: state({ plan: '30%, test', step: 1, test: 'cronjob/smoke', stable: 7 }),
  said: [],
}
const run = { run: 'a1b2c3', step: 1, attempt: 1 }

const service = (name: string, metadata: Partial<Service['metadata']> = {}): Service => ({
  metadata: { name, namespace: 'default', uid: `${name}-uid`, ...metadata },
  spec: { selector: { app: 'shop' }, ports: [{ port: 80 }] },
})

function smoke(labels: Readonly<Record<string, string>> = {}): CronJob {
  const template = { metadata: { labels }, spec: { containers: [{ name: 'smoke' }] } }
  return { metadata: { name: 'smoke', namespace: 'default' }, spec: { jobTemplate: { spec: { template } } } }
}

class Stage {
  readonly cluster = new MemoryCluster()
  readonly refusals: string[] = []
  readonly #acting: Acting

  constructor(objects: Readonly<Record<string, Service | CronJob | Job>> = {}) {
    this.cluster.put('deployments', held())
    for (const [place, object] of Object.entries(objects)) this.cluster.put(place.split('/')[0] ?? '', object)
    this.#acting = {
      cluster: this.cluster,
      caches: startCaches(this.cluster, () => {}),
      now: () => NOW,
      removed: new Map(),
      stored: () => {},
      refused: error => this.refusals.push(error.message),
      remarked: () => {},
    }
  }

  /** @returns the writes that were made */
  async fit(wish: Partial<Decision>): Promise<readonly string[]> {
    const decision = { ...nothing, ...wish }
    const gathered = this.#acting.caches.gather({ namespace: 'default', name: 'shop' })
    if (!gathered) throw new Error('the Deployment of this test is not looked after')
    await dropTests(this.#acting, decision)
    await fitService(this.#acting, gathered, decision)
    await startTest(this.#acting, gathered, decision)
    return this.cluster.writes.splice(0)
  }
}

describe('the Service of the canary', () => {
  const ours = service('shop-canary', { ownerReferences: [owner('Deployment', 'shop')] })
  test.each<readonly [string, Readonly<Record<string, Service>>, Decision['service'], readonly string[]]>([
    ['is made after the app’s', { services: service('shop') }, 'make', ['create services/shop-canary']],
    ['is made once', { services: service('shop'), 'services/ours': ours }, 'make', []],
    ['is not made where nobody names a port', {}, 'make', []],
    ['is deleted', { services: ours }, 'drop', ['delete services/shop-canary']],
    ['of somebody else is not deleted', { services: service('shop-canary') }, 'drop', []],
    ['stays as it is', { services: ours }, 'keep', []],
  ])('%s', async (_sentence, objects, wish, writes) => {
    const stage = new Stage(objects)
    expect(await stage.fit({ service: wish })).toEqual(writes)
    expect(stage.refusals).toEqual([])
  })

  test('of somebody else is left alone, and people are told whose name it has', async () => {
    const stage = new Stage({ services: service('shop-canary') })
    expect(await stage.fit({ service: 'make' })).toEqual([])
    expect(stage.refusals).toEqual([
      expect.stringMatching(/^a Service shop-canary exists and was not made by/),
    ])
  })

  test('is deleted once, also before the watch tells that it is gone', async () => {
    const stage = new Stage({ services: ours })
    stage.cluster.late = true
    await stage.fit({ service: 'drop' })
    expect(await stage.fit({ service: 'drop' })).toEqual([])
  })
})

describe('a test', () => {
  test('is started from its CronJob, and told where canary and stable are', async () => {
    const stage = new Stage({ services: service('shop'), cronjobs: smoke() })
    expect(await stage.fit({ test: run })).toEqual(['create jobs/shop-test-a1b2c3-1-1'])
    const job = stage.cluster.get<Job>('jobs', 'shop-test-a1b2c3-1-1')
    expect(job?.spec.template.spec?.containers?.[0]?.env).toEqual(
      expect.arrayContaining([
        { name: 'CANARY_URL', value: 'http://shop-canary.default:80' },
        { name: 'STABLE_URL', value: 'http://shop.default:80' },
        { name: 'STEP', value: '2' },
        { name: 'WEIGHT', value: '30' },
      ]),
    )
  })

  test.each<readonly [string, Readonly<Record<string, Service | CronJob>>, RegExp]>([
    ['whose CronJob is missing is not started, and people are told', {}, /^cronjob\/smoke does not exist$/],
    [
      'whose pods the app’s Service would select is not started, and people are told what to do',
      { services: service('shop'), cronjobs: smoke({ app: 'shop' }) },
      /^Service shop would send requests of users to the test's pods, .*give the test's template labels of its own$/,
    ],
  ])('%s', async (_sentence, objects, refusal) => {
    const stage = new Stage(objects)
    expect(await stage.fit({ test: run })).toEqual([])
    expect(stage.refusals).toEqual([expect.stringMatching(refusal)])
  })

  test('that exists already is no refusal: the answer to its making was lost', async () => {
    const stage = new Stage({ cronjobs: smoke() })
    await stage.fit({ test: run })
    expect(await stage.fit({ test: run })).toEqual(['create jobs/shop-test-a1b2c3-1-1'])
    expect(stage.refusals).toEqual([])
  })

  test('that a policy refuses is told in the words of the API server', async () => {
    const stage = new Stage({ cronjobs: smoke() })
    stage.cluster.fail('create jobs/shop-test-a1b2c3-1-1', 'CLUSTER_FORBIDDEN', 'exceeded quota: pods')
    await stage.fit({ test: run })
    expect(stage.refusals).toEqual(['exceeded quota: pods'])
  })

  test('of another release is deleted', async () => {
    const stage = new Stage({ cronjobs: smoke() })
    await stage.fit({ test: run })
    const job = stage.cluster.get<Job>('jobs', 'shop-test-a1b2c3-1-1')
    const seen = job ? [readTest(job, [])] : []
    expect(await stage.fit({ dropTests: seen })).toEqual(['delete jobs/shop-test-a1b2c3-1-1'])
  })
})
