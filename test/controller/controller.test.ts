/** Controllers over one cluster in memory, with the real clock and short terms. */
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Cluster } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import { systemClock } from '../../src/controller/clock.ts'
import { type Controller, startController } from '../../src/controller/controller.ts'
import type { Term } from '../../src/controller/leadership/term.ts'
import { readState } from '../../src/core/state.ts'
import { NOW } from '../core/shop.ts'
import { asked } from './beginnings.ts'
import type { MemoryCluster } from './memory-cluster.ts'

const LEASE = { namespace: 'canaryhook', name: 'canaryhook-controller' }
const SETTINGS = { leaseDuration: 900, renewDeadline: 600, retryPeriod: 100 }

let cluster: MemoryCluster
let controllers: Controller[]

beforeEach(() => {
  cluster = asked().cluster
  controllers = []
})

afterEach(async () => {
  await Promise.all(controllers.map(controller => controller.stop()))
})

interface Started {
  readonly controller: Controller
  /** What it wrote besides the Lease. */
  readonly writes: string[]
  readonly said: string[]
  leads(): Promise<number>
}

function start(identity: string | undefined): Started {
  const writes: string[] = []
  const said: string[] = []
  const log = pino({}, { write: line => said.push((JSON.parse(line) as { msg: string }).msg) })
  const election = { lease: LEASE, identity: identity ?? '', settings: SETTINGS, clock: systemClock }
  const controller = startController({
    cluster: noting(writes),
    log,
    now: () => NOW,
    ...(identity !== undefined && { election }),
  })
  controllers.push(controller)
  const leads = async () => {
    const metric = await controller.register.getSingleMetric('canaryhook_leader')?.get()
    return metric?.values[0]?.value ?? Number.NaN
  }
  return { controller, writes, said, leads }
}

function noting(writes: string[]): Cluster {
  const note = (verb: string, plural: string): void => {
    if (plural !== 'leases') writes.push(`${verb} ${plural}`)
  }
  return {
    watch: (resource, options, onChange) => cluster.watch(resource, options, onChange),
    read: (resource, ref) => cluster.read(resource, ref),
    create: (resource, namespace, object) => {
      note('create', resource.plural)
      return cluster.create(resource, namespace, object)
    },
    patch: (resource, ref, patch, subresource) => {
      note('patch', resource.plural)
      return cluster.patch(resource, ref, patch, subresource)
    },
    remove: (resource, ref, preconditions) => {
      note('remove', resource.plural)
      return cluster.remove(resource, ref, preconditions)
    },
    close: () => cluster.close(),
  }
}

/** News that a leader acts on. */
function loseCanary(): Promise<void> {
  return cluster.remove(deployments, { namespace: 'default', name: 'shop-canary' })
}

function phase(): string | undefined {
  const read = readState(cluster.get('deployments', 'shop')?.metadata.annotations)
  return read.kind === 'ok' ? read.state.phase : undefined
}

test('without an election it leads at once, and there is no Lease', async () => {
  const only = start(undefined)
  await vi.waitFor(() => expect(phase()).toBe('Progressing'))
  expect(await only.leads()).toBe(1)
  expect(cluster.names('leases')).toEqual([])
})

test('the leader carries the release on; the other is ready and writes nothing', async () => {
  const leader = start('a')
  await vi.waitFor(() => expect(phase()).toBe('Progressing'))
  const other = start('b')
  await vi.waitFor(() => expect(other.said).toContain('waiting for leadership: held by a'))
  expect(other.controller.ready()).toBe(true)
  expect([await leader.leads(), await other.leads()]).toEqual([1, 0])
  const before = leader.writes.length
  await loseCanary()
  await vi.waitFor(() => expect(leader.writes.slice(before)).toContain('create deployments'))
  expect(other.writes).toEqual([])
})

test('other work of the leader begins with each term, under its permit', async () => {
  const leads: { readonly term: Term | undefined; readonly cluster: Cluster }[] = []
  const controller = startController({
    cluster,
    log: pino({ level: 'silent' }),
    now: () => NOW,
    election: { lease: LEASE, identity: 'a', settings: SETTINGS, clock: systemClock },
    onLead: (permitted, term) => leads.push({ term, cluster: permitted }),
  })
  controllers.push(controller)
  await vi.waitFor(() => expect(leads).toHaveLength(1))
  const [lead] = leads
  lead?.term?.end('by a test')
  const shop = { namespace: 'default', name: 'shop' }
  await expect(lead?.cluster.patch(deployments, shop, { type: 'merge', body: {} })).rejects.toMatchObject({
    code: 'CLUSTER_NOT_LEADING',
  })
})

test('a leader that stops ends what it began and gives the Lease up; the other goes on at once', async () => {
  const leader = start('a')
  await vi.waitFor(() => expect(phase()).toBe('Progressing'))
  const other = start('b')
  await vi.waitFor(() => expect(other.said).toContain('waiting for leadership: held by a'))
  await leader.controller.stop()
  expect(leader.said.at(-1)).toBe('gave leadership up')
  await vi.waitFor(async () => expect(await other.leads()).toBe(1))
  expect(await leader.leads()).toBe(0)
  const before = other.writes.length
  await loseCanary()
  await vi.waitFor(() => expect(other.writes.slice(before)).toContain('create deployments'))
})

test('a leader whose Lease somebody else took stops, and it is no failure of a run', async () => {
  const leader = start('a')
  await vi.waitFor(() => expect(phase()).toBe('Progressing'))
  const spec = { holderIdentity: 'b', leaseDurationSeconds: 15 }
  cluster.put('leases', { metadata: { ...LEASE, uid: 'canaryhook-controller-uid' }, spec } as never)
  expect(leader.said).toContain('lost leadership: held by b')
  expect(await leader.leads()).toBe(0)
  const writes = leader.writes.length
  await loseCanary()
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(leader.writes).toHaveLength(writes)
  const failures = await leader.controller.register
    .getSingleMetric('canaryhook_reconcile_failures_total')
    ?.get()
  expect(failures?.values).toEqual([])
})
