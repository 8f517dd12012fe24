import type { Command, Settings } from '../annotations.ts'
import type { Person } from '../approval.ts'
import type { Deployment } from '../kubernetes.ts'

/** One update of a user, read: what changed, and what is asked for. */
export interface Update {
  readonly before: Deployment
  readonly after: Deployment
  /** Who asks, by authenticated name. */
  readonly by: string
  /** The same with their groups: what they may approve depends on both. */
  readonly asker: Person
  readonly templateChanged: boolean
  readonly wasOptedIn: boolean
  readonly isOptedIn: boolean
  /** What the new object asks for; that of the old one where a changed template dropped it (`rollout undo`). */
  readonly settings: Settings | undefined
  /** Settings differ from the old object's. */
  readonly settingsChanged: boolean
  /** A command typed just now. */
  readonly command: Command | undefined
  /** The request carries the command annotation, to be obeyed or not. */
  readonly carriesCommand: boolean
  /** What there is to say already. */
  readonly warnings: readonly string[]
}
