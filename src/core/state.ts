/**
 * The state of a release. It lives, as JSON, in one annotation of the user's Deployment, so that nothing is
 * lost when a process of ours dies. The controller writes it; the webhook guards it and projects it onto
 * the spec (project.ts).
 */
import { z } from 'zod'
import { COMMANDS, STATE } from './annotations.ts'

/**
 * Changes whenever an older version could misread what a newer one wrote. A field that is only added needs no
 * other version: in an upgrade older and newer processes work side by side, and what one of them does not know
 * it keeps.
 */
export const STATE_VERSION = 1

const time = z.iso.datetime()
const count = z.number().int().min(0)

const request = z.object({
  command: z.enum(COMMANDS),
  /** The authenticated name of who asked. */
  by: z.string(),
  /** In words, where the command was not typed but follows from something else (opting out). */
  because: z.string().optional(),
  /** The stage it was asked for, where it means that stage and no other (approve, skip). */
  step: count.optional(),
})

const schema = z.object({
  version: z.literal(STATE_VERSION),
  phase: z.enum(['Pending', 'Progressing', 'Promoting', 'Reverting', 'Failed', 'Succeeded', 'Reverted']),
  /** Hash of the template that is released; '' until the controller has looked at the stored one. */
  release: z.string(),
  /** Who changed the template. */
  by: z.string().optional(),

  /** The plan and settings, frozen when the release was asked for. */
  plan: z.string(),
  deadline: count,
  maxRestarts: count,
  onFailure: z.enum(['hold', 'restore']),
  /** Where the Job of `test` steps comes from, in its canonical form (test-source.ts). */
  test: z.string().optional(),
  /** The label that is left out while the canary is tested, in place of the gate (gate.ts). */
  isolate: z.string().optional(),
  /** Fresh pods of the accepted version run beside the canary, as many as it has. */
  baseline: z.boolean().optional(),
  /** Where the canary can be looked at, in its canonical form (preview.ts). */
  preview: z.string().optional(),
  /** When this release began: with the template's hash, the identity of its test Jobs. */
  started: time.optional(),

  /** N, the number of replicas that the user wants. */
  total: count,
  /** What spec.replicas of the user's Deployment shall be; left out in surge mode. */
  stable: count.optional(),
  /** Why this release leaves stable's size alone; left out in shift mode. */
  surge: z.string().optional(),
  /** How often somebody put N back while we wanted fewer. */
  putBacks: count.optional(),

  /** Index of the stage in the expanded plan. */
  step: count,
  /** When the stage began. */
  since: time.optional(),
  /** When the stage's weight stood: canary available, stable down. The hold runs from here. */
  reached: time.optional(),
  /** Since when canary pods are missing although the weight once stood. */
  unready: time.optional(),
  /** Which start of the present test Job: one that somebody deleted is started again. */
  attempt: count.optional(),
  /** The present test Job was seen: if it is missing, somebody deleted it. */
  tested: z.boolean().optional(),
  /** A person holds the release where it is. */
  held: z.object({ by: z.string(), since: time.optional() }).optional(),
  /** Who has approved the present stage so far. */
  approvals: z.array(z.string()).optional(),
  /** What people asked for and the controller has not carried out yet, oldest first. */
  requests: z.array(request).optional(),

  /** Nothing to protect: un-pause and be done. */
  unprotected: z.boolean().optional(),
  /** Why it failed, for machines and for people. */
  reason: z.string().optional(),
  message: z.string().optional(),
  failedAt: time.optional(),

  /** What the webhook last projected onto the spec. */
  applied: z.object({ paused: z.boolean(), replicas: count.optional() }).optional(),
})

/** Of any version. Made once, as every schema: zod compiles each at its first use. */
const versioned = z.object({ version: z.number() })

type Schema = z.infer<typeof schema>
export type State = { readonly [K in keyof Schema]: Schema[K] }
export type Phase = State['phase']
export type Request = z.infer<typeof request>

export type StateRead =
  | { readonly kind: 'none' }
  | { readonly kind: 'ok'; readonly state: State }
  /** Damaged, or written by another version. `why` is a sentence. */
  | { readonly kind: 'unreadable'; readonly why: string }

/**
 * Reads the state annotation. Never throws.
 * @param annotations the annotations of the user's Deployment
 */
export function readState(annotations: Readonly<Record<string, string>> | undefined): StateRead {
  const text = annotations?.[STATE]
  if (text === undefined) return { kind: 'none' }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return unreadable('it is not JSON')
  }
  const version = versioned.safeParse(json)
  if (version.success && version.data.version !== STATE_VERSION) {
    return unreadable(
      `it was written by another version of Canaryhook (state version ${version.data.version}, this one knows ${STATE_VERSION})`,
    )
  }
  const parsed = schema.safeParse(json)
  // What was read, not what was parsed, which is without the fields that this version does not know.
  if (parsed.success) return { kind: 'ok', state: json as State }
  const issues = parsed.error.issues.map(issue => `${issue.path.join('.') || 'state'}: ${issue.message}`)
  return unreadable(issues.join('; '))
}

function unreadable(why: string): StateRead {
  return { kind: 'unreadable', why: `the annotation ${STATE} cannot be read: ${why}` }
}

/** The text of the state annotation. The same state always gives the same text. */
export function printState(state: State): string {
  const known = Object.keys(schema.shape)
  const present = Object.entries(state).filter(([, value]) => value !== undefined)
  const placeOf = (key: string) => (known.includes(key) ? known.indexOf(key) : known.length)
  present.sort(([one], [other]) => placeOf(one) - placeOf(other) || (one < other ? -1 : 1))
  return JSON.stringify(Object.fromEntries(present))
}

const LIVE: ReadonlySet<Phase> = new Set(['Pending', 'Progressing', 'Promoting', 'Reverting', 'Failed'])

/** Whether Canaryhook holds the Deployment: a live state is projected onto the spec, an ended one is a record. */
export function isLive(state: State): boolean {
  return LIVE.has(state.phase)
}

/** `state` with some fields set; a field given as undefined is taken out. */
export function withFields(
  state: State,
  fields: { readonly [K in keyof State]?: State[K] | undefined },
): State {
  const merged = Object.entries({ ...state, ...fields }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(merged) as unknown as State
}
