/**
 * The same release again and again, each time with the controller killed at another of its writes, just before
 * or just after it: every run has to end as the one without a kill.
 */
import { expect } from 'vitest'
import { deployments } from '../../src/cluster/resources.ts'
import type { CrashPoint, Environment } from './environment.ts'
import type { AppOptions } from './manifest.ts'
import { endOf, toldIn } from './release-end.ts'
import { Shop } from './shop.ts'
import type { View } from './view.ts'
import { crowdOver, dipUnder } from './watcher.ts'

/** What happens to an app whose first version serves. */
export interface Story {
  readonly app: AppOptions
  /** What people do. It may wait for what the controller makes of it. */
  readonly happens: (shop: Shop) => Promise<void>
  /** Nothing more will happen. */
  readonly isOver: (view: View) => boolean
  /** Never fewer ready pods than this, and never more pods. */
  readonly least: number
  readonly most: number
  /** Nobody is held over a pause of so many milliseconds, because a deadline of the release goes on. */
  readonly longestPause?: number
}

/** What became of it without a kill. */
interface Model {
  readonly end: unknown
  readonly told: readonly string[]
  readonly writes: number
}

/** One more telling, in which the controller dies at that point. */
interface Run {
  readonly shop: Shop
  readonly point: CrashPoint
  readonly over: Promise<View>
}

/**
 * So many apps are held at the same time, each at its point, until one death serves them all. (The controller
 * works on 16 at the same time: the others need some too.)
 */
const AT_A_TIME = 12
/** When nothing came for this long, in milliseconds, the others are not waited for. */
const LONGEST_PAUSE = 20_000
const PATIENCE = 100_000

/** How stories of 4 replicas begin whose first step is followed by `approve`: v2 comes, and waits for approval. */
export async function untilApproval(shop: Shop): Promise<void> {
  await shop.apply('v2')
  await shop.until('it waits for approval', ({ state, pods }) => state?.step === 1 && pods.length === 4)
}

/**
 * Tries every crash point of a story: before and after its first write, its second, and so on until there is none
 * of that number. Runs that are still on their way are also cut off at moments of chance, by deaths meant for others.
 *
 * @returns how many writes it has without a kill, and at how many of the points a controller died
 * @throws AssertionError where a run differs from the one without a kill, or went past its point alive
 */
export async function tryCrashPoints(
  environment: Environment,
  story: Story,
): Promise<{ readonly writes: number; readonly deaths: number }> {
  const model = await tellOnce(environment, story)
  const points = Array.from({ length: model.writes + 1 }, (_, index) => index + 1).flatMap(write =>
    (['before', 'after'] as const).map(when => ({ write, when })),
  )
  const checks: Promise<void>[] = []
  const passed: string[] = []
  let deaths = 0
  let shops = await open(environment, story, Math.min(points.length, AT_A_TIME))
  let coming: readonly Run[] = []
  while (points.length > 0 || coming.length > 0) {
    const fresh = points.splice(0, AT_A_TIME - coming.length).map((point, index): Run => {
      const shop = shops[index]
      if (!shop) throw new Error('there are fewer apps than points')
      return { shop, point: { ...point, namespace: shop.namespace }, over: tell(shop, story) }
    })
    const unused = shops.slice(fresh.length)
    const more = open(environment, story, Math.min(points.length, AT_A_TIME) - unused.length)
    const { died, ended } = await killOnce(environment, [...coming, ...fresh], story.longestPause)
    deaths += died.size
    for (const [run, writes] of ended) {
      if (writes >= run.point.write) passed.push(`${nameOf(run.point)}, of ${writes}`)
    }
    const over = [...died, ...ended.keys()]
    checks.push(...over.map(run => checked(run, story, model)))
    // What went wrong is thrown at the end; the other runs go on until then.
    for (const check of checks) check.catch(() => {})
    coming = [...coming, ...fresh].filter(run => !over.includes(run))
    shops = [...unused, ...(await more)]
  }
  await environment.controller.start()
  await Promise.all(checks)
  expect(passed, 'points that a run went past alive').toEqual([])
  return { writes: model.writes, deaths }
}

/**
 * Starts the controller, and kills it where some of the runs have come to their points. None gets past its own
 * alive: the trap is set before the controller is back (the first time, before it has anything to do).
 *
 * @returns those that it died for, and those that were over before, with the number of their writes
 */
async function killOnce(
  environment: Environment,
  runs: readonly Run[],
  longestPause = LONGEST_PAUSE,
): Promise<{ readonly died: ReadonlySet<Run>; readonly ended: ReadonlyMap<Run, number> }> {
  const trap = environment.controller.killAt(runs.map(({ point }) => point))
  const died = new Set<Run>()
  const ended = new Map<Run, number>()
  const enough = Promise.withResolvers<void>()
  let pause: NodeJS.Timeout | undefined
  for (const run of runs) {
    const came = () => {
      died.add(run)
      ended.delete(run)
      clearTimeout(pause)
      if (died.size + ended.size === runs.length) enough.resolve()
      else pause = setTimeout(enough.resolve, longestPause)
    }
    const over = () => {
      if (died.has(run)) return
      ended.set(run, run.shop.writes().length)
      if (died.size + ended.size === runs.length) enough.resolve()
    }
    trap.comesTo(run.point).then(came)
    // A run that went wrong is over too; why is told when it is checked.
    run.over.then(over, over)
  }
  await environment.controller.start()
  await enough.promise
  clearTimeout(pause)
  if (!(await trap.disarm())) await environment.controller.kill()
  return { died, ended }
}

async function tellOnce(environment: Environment, story: Story): Promise<Model> {
  const shop = await Shop.serving(environment, story.app)
  await tell(shop, story)
  await shop.watcher.quiet(500)
  return { end: endOf(shop.now), told: toldIn(shop.now), writes: shop.writes().length }
}

/** Fresh apps whose first version serves. */
function open(environment: Environment, { app }: Story, count: number): Promise<readonly Shop[]> {
  return Promise.all(Array.from({ length: Math.max(0, count) }, () => Shop.serving(environment, app)))
}

async function tell(shop: Shop, { happens, isOver }: Story): Promise<View> {
  await happens(shop)
  return shop.until('it is over', isOver, PATIENCE)
}

function nameOf({ when, write }: CrashPoint): string {
  return `killed ${when} write ${write}`
}

async function checked(
  { shop, point, over }: Run,
  { least, most }: Story,
  { end, told }: Model,
): Promise<void> {
  const where = nameOf(point)
  await over.catch((error: Error) => {
    error.message = `${where}: ${error.message}`
    throw error
  })
  await expect.poll(() => endOf(shop.now), { timeout: 10_000, message: where }).toEqual(end)
  expect(dipUnder(least, shop.watcher.history), where).toBe('')
  expect(crowdOver(most, shop.watcher.history), where).toBe('')
  const events = toldIn(shop.now)
  expect(
    events.filter(text => !told.includes(text)),
    where,
  ).toEqual([])
  const often = told.filter(text => events.filter(other => other === text).length > 2)
  expect(often, where).toEqual([])
  // Its pods would only make the others slow.
  await shop.admin.remove(deployments, shop.ref)
  shop.watcher.stop()
}
