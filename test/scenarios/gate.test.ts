import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../src/cluster/connect.ts'
import type { Cluster } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import {
  answer,
  deployment,
  type FakeApiServer,
  failure,
  kubeconfigFor,
  page,
  silentLog,
  startFakeApiServer,
  watchWith,
} from '../cluster/fake-api-server.ts'
import { type Gate, startGate } from './gate.ts'

let server: FakeApiServer
let gate: Gate
let client: Cluster
let directory: string

beforeEach(async () => {
  server = await startFakeApiServer()
  gate = await startGate(kubeconfigFor(server.url, { token: 'of the controller' }))
  directory = await mkdtemp(join(tmpdir(), 'canaryhook-gate-'))
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, gate.kubeconfig)
  client = await connect(kubeconfig, { log: silentLog, limits: { answer: 400, whole: 400 } })
})

afterEach(async () => {
  await client.close()
  await gate.stop()
  await server.stop()
  await rm(directory, { recursive: true })
})

const SHOP = { namespace: 'default', name: 'shop' }
/** Any write. */
const patch = (name = 'shop') =>
  client.patch(deployments, { ...SHOP, name }, { type: 'merge', body: { a: 1 } }, 'status')
const done = (response: ServerResponse) => answer(response, 200, deployment('shop', 8))

test('a request reaches the server as it was sent, and the answer comes back', async () => {
  server.handle = (_asked, response) => done(response)
  expect(await patch()).toEqual(deployment('shop', 8))
  expect(server.asked).toHaveLength(1)
  expect(server.asked[0]).toMatchObject({
    method: 'PATCH',
    path: '/apis/apps/v1/namespaces/default/deployments/shop/status',
    body: '{"a":1}',
    headers: {
      authorization: 'Bearer of the controller',
      'content-type': 'application/merge-patch+json',
      host: new URL(server.url).host,
    },
  })
  expect(server.asked[0]?.query.get('fieldManager')).toBe('canaryhook')
})

test('a refusal comes back as one', async () => {
  server.handle = (_asked, response) => failure(response, 403, 'Forbidden', 'exceeded quota: small')
  await expect(patch()).rejects.toThrow('exceeded quota: small')
  expect(gate.requests).toMatchObject([{ verb: 'patch', status: 403 }])
})

test('one connection to the server is used again and again', async () => {
  server.handle = (_asked, response) => done(response)
  for (let count = 0; count < 5; count += 1) await patch()
  expect(server.connections()).toBe(1)
})

test('the requests are on record, each with its verb, object and status', async () => {
  server.handle = (asked, response) =>
    asked.method === 'DELETE' ? failure(response, 404, '', '') : done(response)
  await patch()
  await client.create(deployments, 'default', deployment('shop', 1))
  await client.remove(deployments, SHOP)
  const shop = { resource: 'deployments', namespace: 'default' }
  expect(gate.requests).toMatchObject([
    { ...shop, verb: 'patch', name: 'shop', subresource: 'status', status: 200 },
    { ...shop, verb: 'create', name: '', subresource: '', status: 200 },
    { ...shop, verb: 'delete', name: 'shop', subresource: '', status: 404 },
  ])
})

describe('a watch', () => {
  const seen: string[] = []
  let events: ServerResponse | undefined

  beforeEach(async () => {
    seen.length = 0
    events = undefined
    server.handle = (asked, response) => {
      if (!asked.query.has('watch')) return page(response, 1, [])
      events = response
      watchWith(response)
    }
    client.watch(deployments, {}, ({ object }) => seen.push(object.metadata.name))
    await until(() => events !== undefined)
  })

  const send = (name: string, version: number) =>
    events?.write(`${JSON.stringify({ type: 'ADDED', object: deployment(name, version) })}\n`)

  test('is told event by event', async () => {
    for (const [index, name] of ['a', 'b', 'c'].entries()) {
      send(name, index + 2)
      await until(() => seen.includes(name))
    }
    expect(gate.requests.map(({ verb }) => verb)).toEqual(['list', 'watch'])
  })

  test('ends at the server when the client ends it', async () => {
    let ended = false
    events?.on('close', () => {
      ended = true
    })
    await client.close()
    await until(() => ended)
  })

  test('goes on elsewhere after a cut that refuses connections', async () => {
    const first = events
    gate.cut('refused')
    await until(() => first?.destroyed === true)
    const asked = server.asked.length
    await sleep(200)
    expect(server.asked).toHaveLength(asked)
    gate.mend()
    await until(() => events !== first)
    send('late', 5)
    await until(() => seen.includes('late'))
  })

  test('hears nothing during a silent cut, and everything when it is mended', async () => {
    const first = events
    gate.cut('silent')
    send('held', 5)
    await sleep(200)
    expect(seen).toEqual([])
    expect(first?.destroyed).toBe(false)
    gate.mend()
    await until(() => seen.includes('held'))
    expect(events).toBe(first)
  })
})

describe('a write that is intercepted', () => {
  test('before its effect never reaches the server', async () => {
    let held = false
    const meanwhile = async () => {
      held = true
    }
    gate.intercept(({ name }) => (name === 'shop' ? { when: 'before', meanwhile } : undefined))
    server.handle = (_asked, response) => done(response)
    await expect(patch()).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' })
    expect(held).toBe(true)
    expect(server.asked).toEqual([])
    expect(gate.requests).toEqual([])
    await patch('other')
    expect(server.asked).toHaveLength(1)
  })

  test('after its effect was answered, and the client is never told', async () => {
    let answered = false
    gate.intercept(() => ({
      when: 'after',
      meanwhile: async () => {
        answered = gate.requests.length === 1
      },
    }))
    server.handle = (_asked, response) => done(response)
    await expect(patch()).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' })
    expect(answered).toBe(true)
    expect(server.asked).toHaveLength(1)
  })

  test('passes again when the rule is taken away', async () => {
    const takeAway = gate.intercept(() => ({ when: 'before', meanwhile: async () => {} }))
    server.handle = (_asked, response) => done(response)
    await expect(patch()).rejects.toThrow()
    takeAway()
    expect(await patch()).toEqual(deployment('shop', 8))
  })
})

describe('while the network is cut', () => {
  test('and refuses, a call fails at once and the server gets none', async () => {
    server.handle = (_asked, response) => done(response)
    await patch()
    gate.cut('refused')
    await expect(patch()).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE', status: 0 })
    expect(server.asked).toHaveLength(1)
    gate.mend()
    await patch()
    expect(server.asked).toHaveLength(2)
  })

  test('and is silent, a call runs into its time limit, on an old connection and on a new one', async () => {
    server.handle = (_asked, response) => done(response)
    await patch()
    gate.cut('silent')
    const began = performance.now()
    const calls = await Promise.allSettled([patch(), patch()])
    expect(performance.now() - began).toBeGreaterThan(350)
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(server.asked).toHaveLength(1)
    gate.mend()
    await expect.poll(() => patch().catch(String)).toEqual(deployment('shop', 8))
  })
})

async function until(check: () => boolean): Promise<void> {
  await expect.poll(check, { timeout: 5000, interval: 5 }).toBe(true)
}
