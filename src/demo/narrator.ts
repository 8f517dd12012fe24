/** Follows the shop: says what changes, once, and keeps the live view up to date. */

import { CanaryhookError } from '../core/errors.ts'
import { type Stretch, stretchAt, tallyStretch, tellMeasurement } from './measurement.ts'
import type { Screen } from './screen.ts'
import type { Shop } from './shop.ts'
import type { Snapshot } from './snapshot.ts'
import type { Sample } from './tally.ts'
import { tally } from './tally.ts'
import { renderView } from './view.ts'

const LOOK_EVERY_MS = 150

/** A stretch that is over. */
export interface Measured {
  readonly stretch: Stretch
  readonly to: number
}

export class Narrator {
  readonly #shop: Shop
  readonly #screen: Screen
  readonly #samples: readonly Sample[]
  readonly #startedAt: number
  readonly #told = new Set<string>()
  readonly #measured: Measured[] = []
  #stretch: Stretch | undefined

  constructor(shop: Shop, screen: Screen, samples: readonly Sample[], startedAt: number) {
    this.#shop = shop
    this.#screen = screen
    this.#samples = samples
    this.#startedAt = startedAt
  }

  /** The stretches so far in which a weight stood, oldest first. */
  get measured(): readonly Measured[] {
    return this.#measured
  }

  /** Says a line with the time since the start. */
  say(text: string): void {
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(1)
    this.#screen.say(`${seconds.padStart(5)} s  ${text}`)
  }

  /**
   * Follows until something is so.
   * @throws CanaryhookError DEMO_LATE when it is not so in time
   */
  async followUntil(
    what: string,
    isSo: (snapshot: Snapshot) => boolean,
    limit: number,
    signal: AbortSignal,
  ): Promise<Snapshot> {
    const deadline = Date.now() + limit
    for (;;) {
      signal.throwIfAborted()
      const snapshot = await this.#look()
      if (isSo(snapshot)) return snapshot
      if (snapshot.at > deadline) {
        throw new CanaryhookError('DEMO_LATE', `${what}: not so after ${limit / 1000} s`)
      }
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  async #look(): Promise<Snapshot> {
    const snapshot = await this.#shop.look()
    this.#measure(snapshot)
    await this.#tellEvents()
    const stretch = this.#stretch
    if (stretch) {
      const counted = tally(this.#samples, stretch.from)
      this.#screen.show(paint => renderView({ snapshot, counted, since: stretch.since }, paint))
    }
    return snapshot
  }

  #measure(snapshot: Snapshot): void {
    const before = this.#stretch
    this.#stretch = stretchAt(snapshot, before)
    if (before === undefined || before === this.#stretch || !before.stands) return
    this.#measured.push({ stretch: before, to: snapshot.at })
    this.say(tellMeasurement(before.during, tallyStretch(this.#samples, before, snapshot.at)))
  }

  async #tellEvents(): Promise<void> {
    for (const event of await this.#shop.events()) {
      const key = `${event.metadata.uid} ${event.count} ${event.message}`
      if (this.#told.has(key)) continue
      this.#told.add(key)
      this.say(`${event.reason}: ${event.message}`)
    }
  }
}
