/** From a decision to the writes of the user's Deployment. */
import { describe, expect, test } from 'vitest'
import type { Wanted } from '../../src/core/conditions.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import { printState, readState, type State } from '../../src/core/state.ts'
import { type DeploymentWrite, deploymentWrite, emergencyWrite, repair } from '../../src/core/writes.ts'
import { at, held, NOW, replicaSet, STATE, shop, state } from './shop.ts'

const running = { stable: 7 }
const applied = { paused: true, replicas: 7 }
const stored = held(running)
const write = (deployment: Deployment, next: State | undefined, conditions: Wanted | 'keep' = 'keep') =>
  deploymentWrite(deployment, { state: next, conditions }, NOW)

/** The parts of a write that matter. */
function parts(made: DeploymentWrite | undefined) {
  const body = (made?.body ?? {}) as Partial<Deployment>
  const read = readState(body.metadata?.annotations)
  return {
    to: made?.to,
    resourceVersion: body.metadata?.resourceVersion,
    state: read.kind === 'ok' ? read.state : undefined,
    spec: body.spec,
    conditions: body.status?.conditions?.map(({ type }) => type),
  }
}

describe('nothing is written', () => {
  test.each<readonly [string, Deployment, State | undefined, Wanted | 'keep']>([
    ['when the state is stored and projected', stored, state({ ...running, applied }), 'keep'],
    ['whatever the decision says of what was projected', stored, state(running), 'keep'],
    ['when there is no state and shall be none', shop(), undefined, {}],
    [
      'when the record is stored, whatever the spec says',
      shop({ state: state({ phase: 'Succeeded', stable: undefined }), spec: { paused: true } }),
      state({ phase: 'Succeeded', stable: undefined }),
      {},
    ],
    [
      'of the spec in surge mode',
      held({ stable: undefined, surge: 'x', applied: { paused: true } }, { spec: { replicas: 12 } }),
      state({ stable: undefined, surge: 'x' }),
      'keep',
    ],
  ])('%s', (_sentence, deployment, next, conditions) => {
    expect(write(deployment, next, conditions)).toBeUndefined()
  })
})

describe('through the webhook, which projects,', () => {
  test.each<readonly [string, Deployment, State]>([
    ['another size', stored, state({ stable: 5 })],
    ['un-pausing', stored, state({ phase: 'Promoting', stable: 7 })],
    [
      'a size that was projected and changed since',
      held(running, { spec: { replicas: 10 } }),
      state(running),
    ],
    ['a pause that was lost', held(running, { spec: { paused: false } }), state(running)],
    [
      'what was never projected',
      shop({ state: state(running), spec: { paused: true, replicas: 7 } }),
      state(running),
    ],
    [
      'what was projected otherwise',
      held({ ...running, applied: { paused: true } }, { spec: { replicas: 7 } }),
      state(running),
    ],
  ])('goes %s', (_sentence, deployment, next) => {
    const made = parts(write(deployment, next))
    expect(made).toMatchObject({ to: 'main', resourceVersion: '100', state: next })
    expect(made.spec).toBeUndefined()
  })

  test('goes the former template, whole and without the label of its ReplicaSet', () => {
    const decision = {
      state: state({ phase: 'Reverting' }),
      restore: replicaSet('v1', 10),
      conditions: 'keep',
    } as const
    const made = parts(deploymentWrite(held(), decision, NOW))
    expect(made).toMatchObject({ to: 'main', resourceVersion: '100' })
    expect(made.spec).toEqual({ template: { $patch: 'replace', ...shop().spec.template } })
  })
})

describe('through the status, past the webhook,', () => {
  test('goes a state that changes nothing in the spec, with what is projected kept on record', () => {
    const made = parts(write(stored, state({ ...running, reached: at(0) })))
    expect(made).toEqual({
      to: 'status',
      resourceVersion: '100',
      state: state({ ...running, reached: at(0), applied }),
      spec: undefined,
      conditions: undefined,
    })
  })

  test('go the conditions in the same write', () => {
    const wanted = { Reconciling: { reason: 'x', message: 'y' } }
    const made = parts(write(stored, state({ ...running, reached: at(0) }), wanted))
    expect(made).toMatchObject({ to: 'status', resourceVersion: '100', conditions: ['Reconciling'] })
  })

  test('go conditions alone, resting on nothing', () => {
    const made = write(stored, state(running), { Reconciling: { reason: 'x', message: 'y' } })
    expect(parts(made)).toMatchObject({ to: 'status', conditions: ['Reconciling'] })
    expect(made?.body).not.toHaveProperty('metadata')
  })

  test('goes the end of a release, with nothing on record that was projected', () => {
    const over = state({ phase: 'Succeeded', stable: undefined })
    const made = parts(write(held({ phase: 'Promoting' }), over))
    expect(made).toMatchObject({ to: 'status', state: over })
    expect(made.state).not.toHaveProperty('applied')
  })

  test('goes the end of a state', () => {
    expect(write(stored, undefined)?.body).toEqual({
      metadata: { resourceVersion: '100', annotations: { [STATE]: null } },
    })
  })

  test('a state that cannot be read is not touched', () => {
    const unreadable = shop({ state: '{' })
    expect(write(unreadable, undefined)).toBeUndefined()
    const wanted = { Stalled: { reason: 'StateUnreadable', message: 'x' } }
    expect(write(unreadable, undefined, wanted)?.body).not.toHaveProperty('metadata')
  })
})

describe('the repair', () => {
  const wanted = state({ stable: 5 })
  test.each<readonly [string, Deployment]>([
    ['when the webhook was there', held({ stable: 5 })],
    [
      'in surge mode, where the size is the user’s',
      held({ stable: undefined, surge: 'x', applied: { paused: true } }),
    ],
  ])('is none %s', (_sentence, written) => {
    const { surge } = parseState(written)
    expect(repair(written, surge ? state({ stable: undefined, surge }) : wanted)).toBeUndefined()
  })

  test('writes the spec itself where the webhook was not called, with the version it rests on', () => {
    const written = shop({ version: 'v2', state: wanted, spec: { replicas: 10 } })
    expect(parts(repair(written, wanted))).toEqual({
      to: 'main',
      resourceVersion: '100',
      state: { ...wanted, applied: { paused: true, replicas: 5 } },
      spec: { paused: true, replicas: 5 },
      conditions: undefined,
    })
  })

  test('is none for what has ended', () => {
    expect(repair(shop(), state({ phase: 'Succeeded' }))).toBeUndefined()
  })
})

describe('the emergency write of a failed release', () => {
  const failed = state({ phase: 'Failed', reason: 'Aborted' })

  const decided = { state: failed, conditions: { Stalled: { reason: 'Aborted', message: 'aborted by bob' } } }

  test('stores the state past the webhook, claims nothing of what is projected, and says why', () => {
    const made = parts(emergencyWrite(stored, decided, NOW))
    expect(made).toMatchObject({ to: 'status', resourceVersion: '100', state: { ...failed, applied } })
    expect(made.spec).toBeUndefined()
    expect(made.conditions).toEqual(['Stalled', 'Progressing'])
  })

  test('is written once', () => {
    const after = shop({ version: 'v2', state: printState({ ...failed, applied }) })
    expect(emergencyWrite(after, { ...decided, conditions: 'keep' }, NOW)).toBeUndefined()
  })
})

function parseState(deployment: Deployment): Partial<State> {
  const read = readState(deployment.metadata.annotations)
  return read.kind === 'ok' ? read.state : {}
}
