/** What this run knows of one Deployment: what became of it so far, and what is in the way. */
import { ApiError } from '../cluster/port.ts'
import type { KeptDeployment } from '../core/kept.ts'
import { isLive, readState } from '../core/state.ts'
import type { FormerVersion } from '../core/uninstall/former-version.ts'
import type { Before, Deed } from '../core/uninstall/next-step.ts'
import { beginStory, endOf, imagesOf, type Story, withDeed } from '../core/uninstall/story.ts'

/** A write that failed is tried again after this long. */
const AFTER_FAILURE = 1000

export class Course {
  readonly key: string
  #story: Story
  #latest: KeptDeployment
  #notBefore = 0
  #isTold = false
  /** What it waits for, or why the last write failed, or why a person has to look. */
  #obstacle = ''
  #command: string | undefined
  #isStuck = false

  constructor(key: string, deployment: KeptDeployment) {
    this.key = key
    this.#story = beginStory(deployment)
    this.#latest = deployment
  }

  get before(): Before {
    const { deeds } = this.#story
    return { retried: deeds.has('retry'), letGo: deeds.has('let go') }
  }

  get story(): Story {
    return this.#story
  }

  get isStuck(): boolean {
    return this.#isStuck
  }

  /** How it is now. A release that was not there before, or of another version, is another story. */
  see(deployment: KeptDeployment): void {
    this.#latest = deployment
    const read = readState(deployment.metadata.annotations)
    if (read.kind !== 'ok' || !isLive(read.state)) return
    const isOther =
      imagesOf(deployment.spec.template) !== this.#story.images && read.state.phase === 'Pending'
    if (this.#story.found !== undefined && !isOther) return
    this.#story = beginStory(deployment)
    this.#isTold = false
  }

  /** Whether it is time for a write. */
  mayTry(now: number): boolean {
    return now >= this.#notBefore
  }

  did(deed: Deed | 'sweep', former?: FormerVersion): void {
    this.#story = withDeed(this.#story, deed, former)
    this.#obstacle = ''
    this.#isStuck = false
  }

  waitsFor(until: string): void {
    this.#obstacle = `not finished: waiting until ${until}`
    this.#command = undefined
    this.#isStuck = false
  }

  isStuckAt(why: string, command: string): void {
    this.#obstacle = why
    this.#command = command
    this.#isStuck = true
  }

  /** @returns whether it is to be looked at again; a conflict is no failure, since there is something newer to look at */
  failed(error: unknown, now: number): void {
    if (!(error instanceof ApiError)) throw error
    if (error.code === 'CLUSTER_CONFLICT') return
    this.#notBefore = now + Math.max(AFTER_FAILURE, error.retryAfter ?? 0)
    this.#obstacle = `a write was refused: ${error.message}`
    this.#command = undefined
  }

  /** The line that tells what became of it, once; undefined where there is nothing to tell, or nothing new. */
  told(): string | undefined {
    if (this.#isTold) return undefined
    this.#isTold = true
    const end = endOf(this.#story, this.#latest)
    return end === undefined ? undefined : `✔ ${this.key}: ${end}`
  }

  /** The line for a Deployment with which this run did not come to an end. */
  unfinished(): string {
    const { namespace = 'default', name } = this.#latest.metadata
    const state = this.#story.found === undefined ? '' : `${this.#story.found}; `
    const paused = this.#latest.spec.paused
      ? 'it is paused, and what serves goes on serving'
      : 'it is not paused'
    const look = this.#command ?? `kubectl -n ${namespace} describe deployment/${name}`
    const obstacle = this.#obstacle || 'not finished'
    return `✖ ${this.key}: ${state}${obstacle}. ${capital(paused)}. To see why: ${look}`
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
