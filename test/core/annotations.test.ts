import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMMANDS, formatErrors, isOptedIn, PREFIX, readAnnotations } from '../../src/core/annotations.ts'

const steps = { 'canaryhook.dev/steps': '10%' }
const defaults = {
  steps: '10%',
  plan: [{ kind: 'weight', percent: 10, hold: 0 }],
  capacity: 'shift',
  deadline: 600,
  maxRestarts: 2,
  onFailure: 'hold',
}

const tested = { steps: 'test, 10%', plan: [{ kind: 'test' }, { kind: 'weight', percent: 10, hold: 0 }] }

describe('a Deployment is none of our business', () => {
  test.each([
    ['without annotations', undefined],
    ['with an empty set', {}],
    ['with annotations of others', { 'kubernetes.io/change-cause': 'x' }],
    [
      'with our words under another prefix',
      { 'canaryhook.io/steps': 'x', 'sandbox.canaryhook.dev/ready': '5s' },
    ],
    ['with our state only', { 'canaryhook.dev/state': '{}' }],
  ])('%s', (_sentence, annotations) => {
    expect(readAnnotations(annotations)).toEqual({ kind: 'none' })
    expect(isOptedIn(annotations)).toBe(false)
  })
})

describe('settings', () => {
  test('have defaults for all that is not written', () => {
    expect(readAnnotations(steps)).toEqual({ kind: 'ok', settings: defaults })
    expect(isOptedIn(steps)).toBe(true)
  })

  test.each([
    ['the plan in its canonical form', { 'canaryhook.dev/steps': ' 10 % ,\n' }, {}],
    ['surge', { 'canaryhook.dev/capacity': 'surge' }, { capacity: 'surge' }],
    ['a word in capitals', { 'canaryhook.dev/capacity': 'Surge ' }, { capacity: 'surge' }],
    ['a deadline', { 'canaryhook.dev/deadline': '1h30m' }, { deadline: 5400 }],
    ['no restarts at all', { 'canaryhook.dev/max-restarts': '0' }, { maxRestarts: 0 }],
    ['as many restarts as allowed', { 'canaryhook.dev/max-restarts': '1000' }, { maxRestarts: 1000 }],
    ['restore', { 'canaryhook.dev/on-failure': 'restore' }, { onFailure: 'restore' }],
    ['the traffic that is the default', { 'canaryhook.dev/traffic': 'replicas' }, {}],
    ['a baseline', { 'canaryhook.dev/baseline': 'true' }, { baseline: true }],
    ['no baseline', { 'canaryhook.dev/baseline': 'False' }, {}],
    ['nothing of our state', { 'canaryhook.dev/state': 'forged' }, {}],
    [
      'a preview, in its canonical form',
      { 'canaryhook.dev/preview': 'path=/new, HOST=Canary.Shop.example' },
      { preview: 'host=canary.shop.example path=/new' },
    ],
    [
      'a test from a CronJob',
      { 'canaryhook.dev/steps': 'test, 10%', 'canaryhook.dev/test': 'CronJob/smoke ' },
      { ...tested, test: 'cronjob/smoke' },
    ],
    [
      'a test from an image, in its canonical form',
      { 'canaryhook.dev/steps': 'test, 10%', 'canaryhook.dev/test': 'image: curlimages/curl' },
      { ...tested, test: '{"image":"curlimages/curl"}' },
    ],
    [
      'a label that isolates after an approval',
      {
        'canaryhook.dev/steps': 'approve, test',
        'canaryhook.dev/test': 'cronjob/a',
        'canaryhook.dev/isolate': 'live',
      },
      {
        steps: 'approve, test',
        plan: [{ kind: 'approve' }, { kind: 'test' }],
        test: 'cronjob/a',
        isolate: 'live',
      },
    ],
    [
      'a label that isolates',
      {
        'canaryhook.dev/steps': 'test, 10%',
        'canaryhook.dev/test': 'cronjob/a',
        'canaryhook.dev/isolate': 'live',
      },
      { ...tested, test: 'cronjob/a', isolate: 'live' },
    ],
  ])('take %s', (_sentence, annotations, changed) => {
    expect(readAnnotations({ ...steps, ...annotations })).toEqual({
      kind: 'ok',
      settings: { ...defaults, ...changed },
    })
  })

  test.each(COMMANDS)('come with the command %s', command => {
    expect(readAnnotations({ ...steps, 'canaryhook.dev/command': command })).toEqual({
      kind: 'ok',
      settings: defaults,
      command,
    })
  })
})

describe('an annotation is refused', () => {
  const notYet = 'not available yet in this version (0.1.0)'
  const known =
    'steps, capacity, deadline, max-restarts, on-failure, traffic, test, isolate, baseline, preview, command'
  test.each([
    [
      'of an unknown capacity',
      'capacity',
      'shfit',
      '"shfit" is not one of: shift, surge; did you mean shift?',
    ],
    ['of a far-off capacity', 'capacity', 'much', '"much" is not one of: shift, surge'],
    ['of a deadline without a unit', 'deadline', '10', '"10" has no unit (write 10m or 10s)'],
    ['of no deadline', 'deadline', '0s', '"0s" is no time at all (write 1s or more, or leave it out)'],
    ['of negative restarts', 'max-restarts', '-1', '"-1" is not a whole number between 0 and 1000'],
    ['of half a restart', 'max-restarts', '1.5', '"1.5" is not a whole number between 0 and 1000'],
    ['of too many restarts', 'max-restarts', '1001', '"1001" is not a whole number between 0 and 1000'],
    ['of restarts left empty', 'max-restarts', '', '"" is not a whole number between 0 and 1000'],
    ['of an unknown end', 'on-failure', 'rollback', '"rollback" is not one of: hold, restore'],
    [
      'of an unknown command',
      'command',
      'aprove',
      '"aprove" is not one of: approve, abort, retry, skip, promote, pause, resume; did you mean approve?',
    ],
    [
      'of traffic by an Ingress',
      'traffic',
      'ingress/web',
      `"ingress/web" is ${notYet} (write replicas, the default)`,
    ],
    ['of unknown traffic', 'traffic', 'replica', '"replica" is not one of: replicas'],
    ['of half a baseline', 'baseline', 'yes', '"yes" is not one of: true, false'],
    [
      'of a preview without a place',
      'preview',
      'class=nginx',
      'neither a host nor a path is given (write host=canary.shop.example, path=/canary, or both)',
    ],
    ['of metrics', 'metrics', '[]', `analysis of metrics is ${notYet}`],
    ['of an interval', 'interval', '30s', `analysis of metrics is ${notYet}`],
    ['of a threshold', 'threshold', '3', `analysis of metrics is ${notYet}`],
    ['of hooks', 'hooks', '[]', `hooks are ${notYet}`],
    ['of a policy', 'policy', 'default', `policies are ${notYet}`],
    [
      'with an unknown key that is nearly known',
      'dead-line',
      '5m',
      'unknown annotation; did you mean canaryhook.dev/deadline?',
    ],
    ['with an unknown key', 'banana', 'x', `unknown annotation (known are ${known})`],
    ['with a key every object has', 'constructor', 'x', `unknown annotation (known are ${known})`],
  ])('%s', (_sentence, name, value, error) => {
    expect(readAnnotations({ ...steps, [PREFIX + name]: value })).toEqual({
      kind: 'errors',
      errors: [`canaryhook.dev/${name}: ${error}`],
    })
  })

  const hint = 'write for example canaryhook.dev/steps: test, 10% for 5m, 50%'
  test.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'whose test is not said',
      { steps: '10%, test' },
      ['test: missing; step 2 of the plan is test (write for example canaryhook.dev/test: cronjob/NAME)'],
    ],
    [
      'whose test is misspelt, with that one sentence',
      { steps: 'test', tset: 'cronjob/a' },
      ['tset: unknown annotation; did you mean canaryhook.dev/test?'],
    ],
    [
      'whose test cannot be read',
      { steps: 'test', test: 'smoke' },
      [expect.stringMatching(/^canaryhook.dev\/test: "smoke" is neither cronjob\/NAME nor a mapping/)],
    ],
    [
      'that never runs its test',
      { steps: '10%', test: 'cronjob/a' },
      [`test: no step of the plan is test (${hint})`],
    ],
    [
      'that isolates what is not tested first',
      { steps: '10%, test', test: 'cronjob/a', isolate: 'live' },
      [
        `isolate: a canary is isolated while it is tested before its first weight, and this plan has no such test (${hint})`,
      ],
    ],
    [
      'that isolates by a label with its value',
      { steps: 'test', test: 'cronjob/a', isolate: 'live=true' },
      ['isolate: "live=true" is a label with a value (write its key alone: live)'],
    ],
    [
      'that never gives the canary a weight to compare it under',
      { steps: 'test, approve', test: 'cronjob/a', baseline: 'true' },
      [
        'baseline: a baseline runs beside a canary that takes a weight, and this plan has none (write for example canaryhook.dev/steps: 20%, approve)',
      ],
    ],
    [
      'that cannot be read, without guesses about the rest',
      { steps: '10', test: 'cronjob/a' },
      [expect.stringMatching(/^canaryhook.dev\/steps: "10": 1 error/)],
    ],
  ])('with a plan %s', (_sentence, annotations, errors) => {
    const ours = Object.fromEntries(
      Object.entries(annotations).map(([name, value]) => [PREFIX + name, value]),
    )
    expect(readAnnotations(ours)).toEqual({
      kind: 'errors',
      errors: errors.map(error => (typeof error === 'string' ? PREFIX + error : error)),
    })
  })

  test('when it is there without steps', () => {
    expect(readAnnotations({ 'canaryhook.dev/deadline': '5m' })).toEqual({
      kind: 'errors',
      errors: [
        'canaryhook.dev/steps: missing; canaryhook.dev/deadline means nothing without it (write for example canaryhook.dev/steps: 10% for 5m, 50%)',
      ],
    })
    expect(
      readAnnotations({ 'canaryhook.dev/command': 'abort', 'canaryhook.dev/capacity': 'surge' }),
    ).toMatchObject({
      errors: [expect.stringContaining('canaryhook.dev/steps: missing; the other annotations mean nothing')],
    })
  })

  test('when steps is misspelt, with that one sentence', () => {
    expect(readAnnotations({ 'canaryhook.dev/step': '10%' })).toEqual({
      kind: 'errors',
      errors: ['canaryhook.dev/step: unknown annotation; did you mean canaryhook.dev/steps?'],
    })
  })

  test('when steps is there and empty', () => {
    expect(readAnnotations({ 'canaryhook.dev/steps': '' })).toMatchObject({
      errors: [
        'canaryhook.dev/steps: "": 1 error\n  the plan is empty (write for example 10% for 5m, 50% for 10m)',
      ],
    })
  })
})

test('everything wrong with one object is told in one denial', () => {
  const reading = readAnnotations({
    'canaryhook.dev/steps': '10%, 500% for 5 m',
    'canaryhook.dev/deadline': 'soon',
    'canaryhook.dev/hook': '[]',
    'canaryhook.dev/command': 'go',
  })
  const errors = reading.kind === 'errors' ? reading.errors : []
  expect(formatErrors(errors, { namespace: 'default', name: 'shop' })).toBe(
    [
      'Deployment default/shop was not stored: its annotations have errors',
      '  canaryhook.dev/steps: "10%, 500% for 5 m": 2 errors',
      '    step 2: weight 500% is not between 1% and 99%',
      '    step 2: "5 m" is not a duration (write 5m, 90s, 1h30m)',
      '  canaryhook.dev/deadline: "soon" is not a duration (write 5m, 90s, 1h30m)',
      '  canaryhook.dev/hook: unknown annotation; did you mean canaryhook.dev/hooks?',
      '  canaryhook.dev/command: "go" is not one of: approve, abort, retry, skip, promote, pause, resume',
    ].join('\n'),
  )
})

test('no keys and values whatever make it throw, and its own canonical plan is read back', () => {
  const name = fc.oneof(
    fc.constantFrom('steps', 'deadline', 'capacity', 'command', 'state', 'test'),
    fc.string(),
  )
  const anyAnnotations = fc.dictionary(
    name.map(name => PREFIX + name),
    fc.oneof(fc.string(), fc.constantFrom('10%', 'test, 10%', 'cronjob/a', '5m', 'surge', 'abort')),
  )
  fc.assert(
    fc.property(anyAnnotations, annotations => {
      const reading = readAnnotations(annotations)
      if (reading.kind === 'errors') expect(reading.errors.length).toBeGreaterThan(0)
      if (reading.kind === 'ok') {
        const { plan, steps, test } = reading.settings
        const ofTests = test === undefined ? {} : { 'canaryhook.dev/test': test }
        const again = readAnnotations({ 'canaryhook.dev/steps': steps, ...ofTests })
        expect(again).toMatchObject({ kind: 'ok', settings: { plan, ...(test !== undefined && { test }) } })
      }
    }),
  )
})
