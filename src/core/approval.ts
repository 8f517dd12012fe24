/**
 * Who may pass an `approve by …` step. It is judged by the names that the cluster authenticated, and it guards
 * the way of working, not the cluster: whoever may edit the Deployment can take the step out of the next plan.
 */
import { type Stage, stagePosition } from './plan/expand.ts'
import type { Approvers } from './plan/plan.ts'
import type { State } from './state.ts'

/** Somebody who asks, as the API server authenticated them. */
export interface Person {
  readonly name: string
  readonly groups: readonly string[]
}

/** The name of somebody whom the API server did not name. */
export const UNKNOWN = 'unknown'

/** Names that anybody may have (k8s.io/apiserver pkg/authentication/user, Anonymous). */
const NOBODY: ReadonlySet<string | undefined> = new Set([undefined, '', UNKNOWN, 'system:anonymous'])
/** The group of all who have such a name (AllUnauthenticated, in the same place). */
const UNAUTHENTICATED = 'system:unauthenticated'

/** How many people have to approve before a stage that waits for approval is over. */
export function approvalsNeeded(stage: Stage): number {
  return stage.approvers?.count ?? 1
}

/** Who has approved the present stage, those included whose request the controller has not seen yet. */
export function approvalsOf(state: State): readonly string[] {
  const asked = (state.requests ?? []).filter(
    ({ command, step }) => command === 'approve' && (step ?? state.step) === state.step,
  )
  return [...new Set([...(state.approvals ?? []), ...asked.map(({ by }) => by)])]
}

/** Who may approve, for people: `somebody of the group sre other than alice`, `2 people`. */
export function describeApprovers(
  { count = 1, other, group }: Approvers,
  author: string | undefined,
): string {
  const who = count > 1 ? `${count} people` : 'somebody'
  const from = group === undefined ? '' : ` of the group ${group}`
  const but = other ? ` other than ${NOBODY.has(author) ? 'the author of the change' : author}` : ''
  return who + from + but
}

/**
 * Why this person may not be one of the approvers, all reasons in one sentence; undefined when they may.
 *
 * @param author who changed the template, as far as it is known
 */
export function whyNotApprover(
  { other, group }: Approvers,
  { name, groups }: Person,
  author: string | undefined,
): string | undefined {
  if (NOBODY.has(name) || groups.includes(UNAUTHENTICATED)) {
    return 'the cluster does not know by name who asks'
  }
  const reasons: string[] = []
  if (other && NOBODY.has(author)) {
    reasons.push('who made the change is not known (apply it again, so that it is)')
  } else if (other && name === author) {
    reasons.push('you are the author of the change')
  }
  if (group !== undefined && !groups.includes(group)) reasons.push(`you are not in the group ${group}`)
  return reasons.length > 0 ? reasons.join(', and ') : undefined
}

/**
 * Why this person may not leave the stage out: whoever skips an approval has to be able to give it alone.
 * Undefined when they may, and for every stage that says nothing of who approves.
 */
export function whyNotAlone(
  { approvers }: Stage,
  person: Person,
  author: string | undefined,
): string | undefined {
  if (!approvers) return undefined
  const why = whyNotApprover(approvers, person, author)
  return why ?? ((approvers.count ?? 1) > 1 ? 'one person alone cannot approve it' : undefined)
}

/** The first of some stages that this person may not leave out, as a sentence; undefined when there is none. */
export function unapproved(
  stages: readonly Stage[],
  person: Person,
  author: string | undefined,
): string | undefined {
  for (const stage of stages) {
    const why = whyNotAlone(stage, person, author)
    if (why !== undefined) {
      return `${nameOf(stage)} cannot be left out: ${why}; ${whatItTakes(stage, author)}`
    }
  }
  return undefined
}

/** `step 2 of 3 (approve by other)` */
export function nameOf(stage: Stage): string {
  return `${stagePosition(stage)} (${stage.label})`
}

/** Who approves a stage, and what they type. */
export function whatItTakes({ approvers = {} }: Stage, author: string | undefined): string {
  const type = (approvers.count ?? 1) > 1 ? 'each of whom types' : 'who types'
  return `it takes ${describeApprovers(approvers, author)}, ${type} command=approve`
}
