import { describe, expect, test } from 'vitest'
import { useEnvironment } from '../scenarios/environment.ts'
import type { AppOptions } from '../scenarios/manifest.ts'
import { Shop } from '../scenarios/shop.ts'
import { condition, type View } from '../scenarios/view.ts'

const environment = useEnvironment()
const APPLIES = 25

/** An image name that is none: such a version fails as soon as its canary is there. */
const bad = (number: number): AppOptions => ({
  image: 'shop:none::',
  podAnnotations: { number: String(number) },
})

/** Milliseconds from the answer of an apply. */
interface Left {
  /** Until the failure of the version before was no longer told. */
  readonly told: number
  /** For how long of that it counted: tools look at conditions only when the new generation is observed. */
  readonly counted: number
}

function tellsOfFailure(view: View): boolean {
  const progressing = condition(view, 'Progressing')
  return condition(view, 'Stalled') !== undefined || progressing?.reason === 'ProgressDeadlineExceeded'
}

function isObserved({ deployment }: View): boolean {
  return deployment?.status?.observedGeneration === deployment?.metadata.generation
}

/** Applies something else while a failed version is held. */
async function applied(shop: Shop, options: AppOptions): Promise<Left> {
  shop.watcher.restart()
  await shop.apply('v1', options)
  const at = Date.now()
  const gone = await shop.until('no failure is told', view => !tellsOfFailure(view))
  const counts = shop.watcher.history.find(view => view.at >= at && tellsOfFailure(view) && isObserved(view))
  return { told: Math.max(0, gone.at - at), counted: counts ? gone.at - counts.at : 0 }
}

async function held(shop: Shop): Promise<void> {
  await shop.until('held', view => view.state?.phase === 'Failed' && tellsOfFailure(view) && isObserved(view))
  await shop.watcher.quiet(200)
}

function report(what: string, all: readonly Left[]): void {
  const line = (name: string, values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b)
    return `${name}: median ${sorted[Math.floor(sorted.length / 2)]} ms, maximum ${sorted.at(-1)} ms`
  }
  const told = line(
    'told',
    all.map(left => left.told),
  )
  const counted = line(
    'counted',
    all.map(left => left.counted),
  )
  process.stdout.write(`${what}, ${all.length} applies: ${told}; ${counted}\n`)
}

describe('the failure of a version', () => {
  test('is no longer told half a second after another one was applied', async () => {
    const shop = await Shop.serving(environment, { replicas: 2, steps: '50%' })
    await shop.apply('v1', bad(0))
    const all: Left[] = []
    for (let number = 1; number <= APPLIES; number += 1) {
      await held(shop)
      all.push(await applied(shop, bad(number)))
    }
    report('another version', all)
    expect(Math.max(...all.map(({ told }) => told))).toBeLessThan(500)
  })

  test('is no longer told half a second after the former one was applied again', async () => {
    const shop = await Shop.serving(environment, { replicas: 2, steps: '50%' })
    const all: Left[] = []
    for (let number = 1; number <= APPLIES; number += 1) {
      await shop.apply('v1', bad(number))
      await held(shop)
      all.push(await applied(shop, {}))
      await shop.phase('Reverted', 'v1')
    }
    report('the former version', all)
    expect(Math.max(...all.map(({ told }) => told))).toBeLessThan(500)
  })
})
