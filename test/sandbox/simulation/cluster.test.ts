import type { Cluster } from '@ngrok/webernetes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSimulatedCluster, readContainerLog } from '../../../src/sandbox/simulation/cluster.ts'
import type { ResourceQuota } from '../../../src/sandbox/simulation/pod-quota.ts'
import {
  conditionOf,
  createDeployment,
  createPod,
  createService,
  eventually,
  readPod,
  stateOf,
} from './simulated-objects.ts'

let cluster: Cluster
const quotas: ResourceQuota[] = []

beforeAll(async () => {
  cluster = await createSimulatedCluster({ quotasOf: namespace => (namespace === 'default' ? quotas : []) })
})
afterAll(() => cluster.close())

const becomes = (name: string, expected: object) =>
  eventually(async () => expect(stateOf(await readPod(cluster, name))).toMatchObject(expected))

describe.concurrent('images', () => {
  test('any image serves its tag on its port, through a Service', async () => {
    await createDeployment(cluster, 'any', 2, { container: { image: 'registry.example:5000/team/any:v7' } })
    await createService(cluster, 'any')
    await eventually(async () => {
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => cluster.fetch('http://any.default.svc.cluster.local')),
      )
      expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['v7\n']))
      expect(new Set(answers.map(({ header }) => header?.['X-Pod']?.[0])).size).toBe(2)
    })
  })

  test.each([
    ['an image that is missing', 'missing', 'shop:does-not-exist', 'ErrImagePull'],
    ['a name that is none', 'invalid', 'Shop:v1', 'InvalidImageName'],
  ])('%s', async (_sentence, name, image, reason) => {
    await createPod(cluster, name, { container: { image } })
    await becomes(name, {
      ready: false,
      state: { waiting: { reason, message: expect.stringContaining(image) } },
    })
  })

  test('no name leads out of the simulation', async () => {
    const answer = cluster.fetch('http://example.com/')
    await expect(answer).rejects.toMatchObject({ cause: { code: 'ENOTFOUND' } })
    await expect(cluster.fetch('http://1.1.1.1/')).rejects.toMatchObject({ cause: { code: 'ENOTFOUND' } })
  })
})

describe.concurrent('commands', () => {
  test('a pod ends with the exit code of its command, and its log is there', async () => {
    await createPod(cluster, 'one-shot', {
      container: { command: ['sh', '-c', 'echo "hello $WHO"; exit 3'], env: [{ name: 'WHO', value: 'you' }] },
      spec: { restartPolicy: 'Never' },
    })
    await becomes('one-shot', { state: { terminated: { exitCode: 3, reason: 'Error' } } })
    await eventually(async () => expect((await readPod(cluster, 'one-shot')).status?.phase).toBe('Failed'))
    const log = { namespace: 'default', pod: 'one-shot', container: 'app' }
    expect(readContainerLog(cluster, log)).toBe('hello you\n')
  })

  test.each([
    ['nothing is said about a success', 'silent', 'true', 'FallbackToLogsOnError', undefined],
    [
      'the log tells of a failure when it may',
      'fallback',
      'echo no config >&2; exit 1',
      'FallbackToLogsOnError',
      'no config\n',
    ],
    ['it may not by default', 'file', 'echo no config >&2; exit 1', 'File', undefined],
    ['a message of its own is told', 'own', 'echo -n why > /dev/termination-log; exit 1', 'File', 'why'],
  ])('%s', async (_sentence, name, script, terminationMessagePolicy, message) => {
    await createPod(cluster, name, {
      container: { command: ['sh', '-c', script], terminationMessagePolicy },
      spec: { restartPolicy: 'Never' },
    })
    await eventually(async () => {
      const { terminated } = stateOf(await readPod(cluster, name))?.state ?? {}
      expect(terminated).toBeDefined()
      expect(terminated?.message).toBe(message)
    })
  })

  test('a command reaches Services by name, and a name that is nobody’s fails', async () => {
    await createDeployment(cluster, 'target', 1)
    await createService(cluster, 'target')
    await createPod(cluster, 'caller', {
      container: {
        command: [
          'sh',
          '-c',
          'for i in $(seq 20); do [ "$(wget -qO- http://target)" = v1 ] && exit 7; sleep 0.2; done',
        ],
      },
      spec: { restartPolicy: 'Never' },
    })
    await createPod(cluster, 'lost', {
      container: { command: ['curl', '-fsS', 'http://nobody'] },
      spec: { restartPolicy: 'Never' },
    })
    await becomes('lost', { state: { terminated: { exitCode: 6 } } })
    await becomes('caller', { state: { terminated: { exitCode: 7 } } })
  })

  test('a command that the sandbox does not know stands for the image’s server', async () => {
    await createPod(cluster, 'own-server', { container: { command: ['/app/server', '--port=80'] } })
    await becomes('own-server', { ready: true, restartCount: 0 })
  })
})

describe.concurrent('annotations', () => {
  test('ready: never, while the container runs', async () => {
    await createPod(cluster, 'never', { annotations: { ready: 'never' } })
    await becomes('never', { ready: false, started: true, restartCount: 0 })
    const pod = await readPod(cluster, 'never')
    expect(conditionOf(pod, 'Ready')).toMatchObject({ status: 'False', reason: 'ContainersNotReady' })
    expect(conditionOf(pod, 'PodScheduled')).toMatchObject({ status: 'True' })
  })

  test.each([
    ['without a probe', 'late', {}],
    ['with an HTTP probe', 'late-http', { readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } }],
    ['with a TCP probe', 'late-tcp', { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } }],
  ])('ready: 2s, %s', async (_sentence, name, container) => {
    await createPod(cluster, name, { annotations: { ready: '2s' }, container })
    await becomes(name, { ready: true })
    const pod = await readPod(cluster, name)
    const started = new Date(stateOf(pod)?.state?.running?.startedAt ?? 0).getTime()
    const ready = new Date(conditionOf(pod, 'Ready')?.lastTransitionTime ?? 0).getTime()
    expect(ready - started).toBeGreaterThanOrEqual(2000)
    expect(ready - started).toBeLessThan(5000)
  })

  test('restart-after: runs, is ready, crashes, and says why', async () => {
    await createPod(cluster, 'crashing', { annotations: { 'restart-after': '1s' } })
    await becomes('crashing', { ready: true, restartCount: 0 })
    await becomes('crashing', {
      ready: true,
      restartCount: 2,
      lastState: {
        terminated: {
          exitCode: 1,
          reason: 'Error',
          message: 'sandbox.canaryhook.dev/restart-after: v1 crashed 1 s after its start',
        },
      },
    })
  })

  test('exit-code: ends at once, and the kubelet backs off', async () => {
    await createPod(cluster, 'exiting', { annotations: { 'exit-code': '42' } })
    await becomes('exiting', {
      state: {
        waiting: { reason: 'CrashLoopBackOff', message: expect.stringMatching(/^back-off \d+ms restarting/) },
      },
      lastState: { terminated: { exitCode: 42 } },
    })
  })

  test('error-rate and latency of the answers', async () => {
    await createDeployment(cluster, 'flaky', 1, { annotations: { 'error-rate': '0.5', latency: '20ms' } })
    await createService(cluster, 'flaky')
    const url = 'http://flaky.default.svc.cluster.local'
    await eventually(async () => expect([200, 500]).toContain((await cluster.fetch(url)).status))
    const begin = Date.now()
    const answers = []
    for (let request = 0; request < 10; request += 1) answers.push(await cluster.fetch(url))
    expect(answers.filter(({ status }) => status === 500)).toHaveLength(5)
    expect(Date.now() - begin).toBeGreaterThanOrEqual(190)
  })

  test('a wrong value fails the container with a message that says what was expected', async () => {
    await createPod(cluster, 'wrong', { annotations: { ready: 'soon' }, spec: { restartPolicy: 'Never' } })
    await becomes('wrong', {
      state: {
        terminated: {
          exitCode: 128,
          reason: 'StartError',
          message: 'sandbox.canaryhook.dev/ready: "soon" is not "never" or a time such as 5s',
        },
      },
    })
  })
})

describe.concurrent('a pod that has no place', () => {
  test.each([
    [
      'asks for more than a node has',
      'huge',
      { container: { resources: { requests: { cpu: '1000' } } } },
      '3 Insufficient cpu',
    ],
    [
      'wants a node that is not there',
      'picky',
      { spec: { nodeSelector: { disk: 'ssd' } } },
      "3 node(s) didn't match",
    ],
  ])('%s', async (_sentence, name, options, message) => {
    await createPod(cluster, name, options)
    await eventually(async () =>
      expect(conditionOf(await readPod(cluster, name), 'PodScheduled')).toMatchObject({
        status: 'False',
        reason: 'Unschedulable',
        message: expect.stringContaining(message),
      }),
    )
  })
})

test('a quota without room is told on the ReplicaSet and the Deployment, and used when there is room', async () => {
  const pods = (await cluster.api.corev1.listNamespacedPod({ namespace: 'default' })).items
  const over = pods.filter(({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed')
  const limit = pods.length - over.length + 1
  quotas.push({ metadata: { name: 'pods' }, spec: { hard: { pods: String(limit) } } })
  await createDeployment(cluster, 'crowd', 2)
  const failure = {
    type: 'ReplicaFailure',
    status: 'True',
    reason: 'FailedCreate',
    message: expect.stringMatching(
      new RegExp(
        `^pods "crowd-[a-z0-9]+-[a-z0-9]{5}" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=${limit}, limited: pods=${limit}$`,
      ),
    ),
  }
  await eventually(async () => {
    const deployment = await cluster.api.appsv1.readNamespacedDeployment({
      namespace: 'default',
      name: 'crowd',
    })
    expect(deployment.status).toMatchObject({
      replicas: 1,
      conditions: expect.arrayContaining([expect.objectContaining(failure)]),
    })
    const { items } = await cluster.api.appsv1.listNamespacedReplicaSet({
      namespace: 'default',
      labelSelector: 'app=crowd',
    })
    expect(items[0]?.status?.conditions).toEqual([expect.objectContaining(failure)])
  })
  quotas.length = 0
  await eventually(async () => {
    const deployment = await cluster.api.appsv1.readNamespacedDeployment({
      namespace: 'default',
      name: 'crowd',
    })
    expect(deployment.status?.readyReplicas).toBe(2)
    expect(deployment.status?.conditions?.map(({ type }) => type)).not.toContain('ReplicaFailure')
  })
})
