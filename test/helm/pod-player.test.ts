import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobs, pods } from '../../src/cluster/resources.ts'
import { ownControlPlane } from '../controlplane/planes.ts'
import { useEnvironment } from '../scenarios/environment.ts'
import { type PlayedContainer, type PlayedPod, type PodPlayer, startPodPlayer } from './pod-player.ts'

const environment = useEnvironment()

let player: PodPlayer
beforeAll(async () => {
  const kubeconfig = ownControlPlane().kubeconfigs.admin
  const commandOf = ({ image, command = [], args = [] }: PlayedContainer) =>
    image === 'greeter' ? ['echo', 'greetings to', ...args] : [...command, ...args]
  player = await startPodPlayer({ cluster: environment.cluster, kubeconfig, commandOf })
})
afterAll(() => player?.stop())

/** Starts a Job of one pod in a namespace of its own, and waits until the pod is as it should be. */
async function jobOf(container: Partial<PlayedContainer>, phases: readonly string[]) {
  const admin = environment.as('admin')
  const namespace = await environment.namespace()
  const spec = { restartPolicy: 'Never', containers: [{ name: 'main', image: 'any', ...container }] }
  await admin.create(jobs, namespace, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'job' },
    spec: { backoffLimit: 0, template: { spec } },
  })
  for (;;) {
    const [pod] = await admin.list(pods, namespace)
    if (pod && phases.includes(pod.status?.phase ?? '')) return { namespace, pod }
    await sleep(100)
  }
}

const ended = (container: Partial<PlayedContainer>) => jobOf(container, ['Succeeded', 'Failed'])
const terminated = ({ status }: PlayedPod) => status?.containerStatuses?.[0]?.state?.terminated

describe.concurrent('a pod of a Job', () => {
  test('succeeds when its command does, and what it wrote is its log', async () => {
    const { namespace, pod } = await ended({ command: ['sh', '-c'], args: ['echo one; echo two >&2'] })
    expect(pod.status?.phase).toBe('Succeeded')
    expect(terminated(pod)).toMatchObject({ exitCode: 0, reason: 'Completed' })
    const { stdout } = await environment.kubectl(namespace, ['logs', 'job/job'])
    expect(stdout.split('\n').sort()).toEqual(['', 'one', 'two'])
    expect(player.played).toContain(`${namespace}/${pod.metadata.name}`)
  })

  test('fails with the exit code of its command, and its last words where they are asked for', async () => {
    const { pod } = await ended({
      command: ['sh', '-c', 'echo no way; exit $((40 + 2))'],
      terminationMessagePolicy: 'FallbackToLogsOnError',
    })
    expect(pod.status?.phase).toBe('Failed')
    expect(terminated(pod)).toMatchObject({ exitCode: 42, reason: 'Error', message: 'no way\n' })
  })

  test('fails when there is no such program', async () => {
    const { namespace, pod } = await ended({ command: ['no-such-program'] })
    expect(terminated(pod)).toMatchObject({ exitCode: 127 })
    expect(player.logOf(namespace, pod.metadata.name)).toContain('ENOENT')
  })

  test('runs what its image stands for, with its environment', async () => {
    const { namespace, pod } = await ended({ image: 'greeter', args: ['all'] })
    expect(player.logOf(namespace, pod.metadata.name)).toBe('greetings to all\n')
    const env = [{ name: 'WHAT', value: 'told' }]
    const second = await ended({ command: ['sh', '-c', 'echo $WHAT'], env })
    expect(player.logOf(second.namespace, second.pod.metadata.name)).toBe('told\n')
  })

  test('asks the API in the name of its ServiceAccount and for its own namespace', async () => {
    const { namespace, pod } = await ended({ command: ['kubectl', 'get', 'secrets'] })
    expect(pod.status?.phase).toBe('Failed')
    expect(player.logOf(namespace, pod.metadata.name)).toContain(
      `User "system:serviceaccount:${namespace}:default" cannot list resource "secrets" in API group "" in the namespace "${namespace}"`,
    )
  })

  test('that is deleted is told to end, with what it started', async () => {
    // The shell waits for its child, and its output ends only when both are gone.
    const command = ['sh', '-c', 'sleep 1000; echo over']
    const { namespace, pod } = await jobOf({ command }, ['Running'])
    const { name } = pod.metadata
    while (!player.played.includes(`${namespace}/${name}`)) await sleep(50)
    await sleep(500)
    await environment.as('admin').remove(jobs, { namespace, name: 'job' })
    while (player.running.includes(`${namespace}/${name}`)) await sleep(50)
    expect(player.logOf(namespace, name)).toBe('')
  })
})
