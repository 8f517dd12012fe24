import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { KubernetesObject } from '../../src/core/kubernetes.ts'
import { type UninstallOptions, uninstall } from '../../src/uninstall/uninstall.ts'
import { MemoryCluster } from '../controller/memory-cluster.ts'
import { held, shop, state } from '../core/shop.ts'

const DELETE_REGISTRATION = 'delete mutatingwebhookconfigurations/zz-canaryhook'

function cluster(...deployments: readonly ReturnType<typeof shop>[]): MemoryCluster {
  const made = new MemoryCluster()
  made.webhook = 'bypassed'
  for (const deployment of deployments) made.put('deployments', deployment)
  return made
}

async function run(on: MemoryCluster, options: Partial<UninstallOptions> = {}) {
  const lines: string[] = []
  const isDone = await uninstall({
    cluster: on,
    log: pino({ level: 'silent' }),
    registration: 'zz-canaryhook',
    timeout: 3000,
    isMeant: () => true,
    install: { namespace: 'default', lease: 'canaryhook-controller' },
    print: line => lines.push(line),
    stop: new AbortController().signal,
    ...options,
  })
  return { isDone, lines }
}

describe('the registration', () => {
  const registered = (...deployments: readonly ReturnType<typeof shop>[]) => {
    const made = cluster(...deployments)
    const registration = { metadata: { name: 'zz-canaryhook' }, webhooks: [{ timeoutSeconds: 0 }] }
    made.put<KubernetesObject>('mutatingwebhookconfigurations', registration)
    return made
  }

  test('goes before anything else is written', async () => {
    const on = registered(shop({ state: state({ phase: 'Succeeded' }) }))
    const { isDone, lines } = await run(on, { timeout: 10_000 })
    expect(isDone).toBe(true)
    expect(on.writes).toEqual([DELETE_REGISTRATION, 'patch deployments/shop'])
    expect(lines).toEqual([
      "The webhook's registration zz-canaryhook is removed: from here on no change is held.",
      '✔ default/shop: at rest; what was kept about its last release was removed',
      expect.stringMatching(
        /^1 Deployment: 1 rid of the record of a release\. Nothing of Canaryhook is left/,
      ),
    ])
  })

  test('that may not be removed keeps everything as it is, and a person is told what to type', async () => {
    const on = registered(held())
    on.fail(DELETE_REGISTRATION, 'CLUSTER_FORBIDDEN', 'you may not')
    const { isDone, lines } = await run(on)
    expect(isDone).toBe(false)
    expect(on.writes).toEqual([DELETE_REGISTRATION])
    expect(lines).toEqual([
      "✖ The webhook's registration could not be removed, so nothing was done: you may not",
      '  By hand: kubectl delete mutatingwebhookconfiguration zz-canaryhook; then run this again.',
    ])
  })
})

test('where nobody ever used it, nothing is written', async () => {
  const on = cluster(shop({ metadata: { annotations: {} } }))
  const { isDone, lines } = await run(on)
  expect({ isDone, writes: on.writes }).toEqual({ isDone: true, writes: [] })
  expect(lines).toEqual([
    "The webhook's registration zz-canaryhook is not there: no change is held.",
    'No Deployment was asked to have canaries. Nothing of Canaryhook is left.',
  ])
})

test('a Deployment of a namespace that is not meant is left alone', async () => {
  const on = cluster(shop({ state: state({ phase: 'Succeeded' }) }))
  await run(on, { isMeant: namespace => namespace !== 'default' })
  expect(on.writes).toEqual([])
})

test('a signal ends it before its time, with what is not done', async () => {
  const on = cluster(held({ phase: 'Promoting' }))
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 300)
  const began = Date.now()
  const { isDone, lines } = await run(on, { stop: stop.signal, timeout: 60_000 })
  expect(isDone).toBe(false)
  expect(Date.now() - began).toBeLessThan(15_000)
  expect(lines.at(-2)).toMatch(/^✖ default\/shop: .*waiting until the accepted version serves on every pod/)
  expect(lines.at(-1)).toMatch(/Not everything is done: run this again/)
})

test('a write that the API server refuses is told at the end', async () => {
  const on = cluster(shop({ state: state({ phase: 'Succeeded' }) }))
  on.fail('patch deployments/shop', 'CLUSTER_FORBIDDEN', 'a policy says no')
  const { isDone, lines } = await run(on, { timeout: 500 })
  expect(isDone).toBe(false)
  expect(lines.at(-2)).toMatch(
    /^✖ default\/shop: a write was refused: a policy says no\. It is not paused\. To see why: kubectl/,
  )
})
