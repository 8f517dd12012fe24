/** Before the scenarios: their control planes, with Canaryhook's chart installed in each. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findHelm } from '../helm/program.ts'
import { NoBinaries } from '../programs/go-programs.ts'
import { accessOf, impersonating } from './access.ts'
import { apiOf } from './api.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { startControlPlane } from './control-plane.ts'
import { installChart } from './install.ts'
import { developers, groupsOf } from './users.ts'

/** What the files of scenarios need to reach it. */
export interface Reachable {
  readonly kubeconfigs: Readonly<Record<'admin' | 'alice' | 'bob' | 'controller', string>>
  /** The API server's audit log; '' for a cluster that is not ours. */
  readonly auditLog: string
}

declare module 'vitest' {
  interface ProvidedContext {
    /** One for each file that runs at a time; see planes.ts. */
    controlPlanes: readonly Reachable[]
    /** The path of Helm. */
    helm: string
    /** Said by vitest.controlplane.config.ts. */
    everyFileRuns: boolean
  }
}

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  try {
    if (process.env.USE_EXISTING_CLUSTER === 'true') {
      const helm = await findHelm(process.env, say)
      project.provide('helm', helm)
      project.provide('controlPlanes', [await existing(helm)])
      return undefined
    }
    const binaries = await findBinaries(process.env, say)
    const helm = await findHelm(process.env, say)
    project.provide('helm', helm)
    const started = await Promise.allSettled(
      Array.from({ length: project.vitest.config.maxWorkers }, () => startOne(binaries, helm)),
    )
    const planes = started.flatMap(one => (one.status === 'fulfilled' ? one.value : []))
    const stop = async () => {
      await Promise.all(planes.map(plane => plane.stop()))
    }
    const failed = started.find(one => one.status === 'rejected')
    if (failed) {
      await stop()
      throw failed.reason
    }
    project.provide(
      'controlPlanes',
      planes.map(({ reachable }) => reachable),
    )
    return stop
  } catch (error) {
    if (!(error instanceof NoBinaries)) throw error
    // It says all that there is to say; a stack would only hide it.
    say(error.message)
    process.exit(1)
  }
}

interface Plane {
  readonly reachable: Reachable
  readonly stop: () => Promise<void>
}

async function startOne(binaries: Binaries, helm: string): Promise<Plane> {
  const plane = await startControlPlane(binaries)
  plane.died.catch((error: Error) => say(error.message))
  try {
    const admin = plane.kubeconfig('admin')
    const { url, ca } = plane
    const controller = await installChart(plane.api, { program: helm, admin, url, ca })
    const [alice, bob] = [plane.kubeconfig('alice'), plane.kubeconfig('bob')]
    return {
      reachable: { kubeconfigs: { admin, alice, bob, controller }, auditLog: plane.auditLog },
      stop: plane.stop,
    }
  } catch (error) {
    await plane.stop()
    throw error
  }
}

/** A cluster that is there already: its administrator speaks in the name of alice and bob. */
async function existing(helm: string): Promise<Reachable> {
  const file = process.env.KUBECONFIG ?? join(homedir(), '.kube', 'config')
  const admin = await readFile(file, 'utf8')
  const { server: url, ca = '' } = accessOf(admin)
  const api = apiOf(admin)
  const people = ['alice', 'bob'] as const
  await api.apply([developers(people.map(name => ({ kind: 'User', name })))])
  const [alice = '', bob = ''] = people.map(name => impersonating(admin, name, groupsOf(name)))
  const controller = await installChart(api, { program: helm, admin, url, ca })
  return { kubeconfigs: { admin, alice, bob, controller }, auditLog: '' }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
