import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { candidacy } from '../../../src/controller/leadership/candidacy.ts'
import { ELECTION_SETTINGS } from '../../../src/controller/leadership/election.ts'

const leaseName = 'canaryhook-controller'
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'canaryhook-candidacy-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

test('outside of a pod: the namespace canaryhook, the host’s name and Kubernetes’ usual times', async () => {
  const { lease, identity, settings } = await candidacy({ leaseName }, join(directory, 'nothing'))
  expect(lease).toEqual({ namespace: 'canaryhook', name: leaseName })
  expect(identity).toMatch(/_[0-9a-f]{8}$/)
  expect(identity.startsWith(`${hostname()}_`)).toBe(true)
  expect(settings).toEqual(ELECTION_SETTINGS)
})

test('in a pod: its own namespace', async () => {
  const file = join(directory, 'namespace')
  await writeFile(file, 'platform\n')
  expect((await candidacy({ leaseName }, file)).lease.namespace).toBe('platform')
  const named = await candidacy({ leaseName, leaseNamespace: 'other' }, file)
  expect(named.lease.namespace).toBe('other')
})

test('what flags say counts, and an identity is never the same twice', async () => {
  const flags = { leaseName, identity: 'me', leaseTiming: [3000, 2000, 400] } as const
  const one = await candidacy(flags)
  expect(one.identity).toMatch(/^me_[0-9a-f]{8}$/)
  expect(one.settings).toEqual({ leaseDuration: 3000, renewDeadline: 2000, retryPeriod: 400 })
  expect((await candidacy(flags)).identity).not.toBe(one.identity)
})
