/**
 * The scheduler of the simulated cluster, in the place of webernetes' own, which puts every pod somewhere.
 * Pods go to the node with the fewest pods among those that fit (node-fit.ts); a pod that fits nowhere gets
 * PodScheduled=False/Unschedulable and an Event, and is tried again whenever a pod or a node changes.
 */
import {
  BaseImage,
  getClock,
  type Informer,
  makeInformer,
  type ProcessContext,
  type V1Node,
  type V1Pod,
} from '@ngrok/webernetes'
import { fitMessage, obstaclesOn, type Resources, sumRequests } from './node-fit.ts'

const NAME = 'default-scheduler'

export class SimulatedScheduler extends BaseImage {
  // The name of the image that webernetes starts as its scheduler.
  static readonly imageName = 'webernetes/kube-scheduler'
  static readonly imageVersion = '1.0'

  override async exec(context: ProcessContext, argv: readonly string[]): Promise<number> {
    if (argv.length > 0) return super.exec(context, argv)
    const scheduler = new Scheduler(context)
    await scheduler.start()
    try {
      return await context.waitUntilKilled()
    } finally {
      await scheduler.stop()
    }
  }
}

class Scheduler {
  readonly #context: ProcessContext
  readonly #pods = new Map<string, V1Pod>()
  readonly #nodes = new Map<string, V1Node>()
  readonly #informers: Informer<V1Pod | V1Node>[] = []
  #round: Promise<void> | undefined
  #again = false

  constructor(context: ProcessContext) {
    this.#context = context
  }

  async start(): Promise<void> {
    const { corev1 } = this.#context.api
    const { kubeConfig } = this.#context
    const nodes = makeInformer<V1Node>(kubeConfig, '/api/v1/nodes', () => corev1.listNode())
    const pods = makeInformer<V1Pod>(kubeConfig, '/api/v1/pods', () => corev1.listPodForAllNamespaces())
    this.#follow(nodes, this.#nodes)
    this.#follow(pods, this.#pods)
    await nodes.start()
    await pods.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map(informer => informer.stop()))
  }

  #follow<T extends V1Pod | V1Node>(informer: Informer<T>, known: Map<string, T>): void {
    const set = (object: T) => {
      known.set(keyOf(object), object)
      this.#schedule()
    }
    informer.on('add', set)
    informer.on('update', set)
    informer.on('delete', object => {
      known.delete(keyOf(object))
      this.#schedule()
    })
    this.#informers.push(informer)
  }

  /** One round at a time, and one more when something changed during it. */
  #schedule(): void {
    this.#again = true
    this.#round ??= Promise.resolve().then(() => this.#runRounds())
  }

  async #runRounds(): Promise<void> {
    try {
      while (this.#again && !this.#context.err()) {
        this.#again = false
        for (const pod of [...this.#pods.values()].filter(waits)) await this.#placeOrExplain(pod)
      }
    } finally {
      this.#round = undefined
    }
  }

  async #placeOrExplain(pod: V1Pod): Promise<void> {
    try {
      const usage = [...this.#nodes.values()].map(node => ({ node, used: this.#usedOn(keyOf(node)) }))
      const verdicts = usage.map(({ node, used }) => ({
        node,
        used,
        obstacles: obstaclesOn(node, pod, used),
      }))
      const fitting = verdicts.filter(({ obstacles }) => obstacles.length === 0)
      const best = fitting.toSorted((a, b) => podCount(a.used) - podCount(b.used))[0]
      if (best) await this.#bind(pod, keyOf(best.node))
      else await this.#explain(pod, fitMessage(verdicts.map(({ obstacles }) => obstacles)))
    } catch {
      // The pod went or changed meanwhile; that change starts the next round.
    }
  }

  #usedOn(nodeName: string): Resources {
    return sumRequests(
      [...this.#pods.values()].filter(
        // The control plane's own pods have no room of their own to take.
        pod => pod.spec?.nodeName === nodeName && !isOver(pod) && pod.metadata?.namespace !== 'kube-system',
      ),
    )
  }

  async #bind(pod: V1Pod, nodeName: string): Promise<void> {
    const { name = '', namespace = 'default' } = pod.metadata ?? {}
    const metadata = { name, namespace }
    const target = { apiVersion: 'v1', kind: 'Node', name: nodeName }
    await this.#context.api.corev1.createNamespacedPodBinding({ ...metadata, body: { metadata, target } })
    // Counts at once, before the informer tells: the next pod of this round must not take the same room.
    this.#pods.set(keyOf(pod), { ...pod, spec: { containers: [], ...pod.spec, nodeName } })
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`
    await this.#recordEvent(pod, 'Normal', 'Scheduled', message)
  }

  async #explain(pod: V1Pod, message: string): Promise<void> {
    const { name = '', namespace = 'default' } = pod.metadata ?? {}
    const conditions = pod.status?.conditions ?? []
    const before = conditions.find(({ type }) => type === 'PodScheduled')
    if (before?.status === 'False' && before.message === message) return
    const now = getClock(this.#context).now()
    const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : now
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
    }
    const others = conditions.filter(({ type }) => type !== 'PodScheduled')
    const status = { phase: 'Pending', ...pod.status, conditions: [...others, condition] }
    await this.#context.api.corev1.replaceNamespacedPodStatus({ name, namespace, body: { ...pod, status } })
    await this.#recordEvent(pod, 'Warning', 'FailedScheduling', message)
  }

  async #recordEvent(pod: V1Pod, type: string, reason: string, message: string): Promise<void> {
    const { name = '', namespace = 'default', uid } = pod.metadata ?? {}
    const now = getClock(this.#context).now()
    const involvedObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
    }
    await this.#context.api.corev1.createNamespacedEvent({
      namespace,
      body: {
        metadata: { generateName: `${name}.`, namespace },
        involvedObject,
        type,
        reason,
        message,
        count: 1,
        firstTimestamp: now,
        lastTimestamp: now,
        source: { component: NAME },
        reportingComponent: NAME,
      },
    })
  }
}

function waits(pod: V1Pod): boolean {
  const ours = (pod.spec?.schedulerName ?? NAME) === NAME
  const gated = (pod.spec?.schedulingGates ?? []).length > 0
  return ours && !gated && !pod.spec?.nodeName && !pod.metadata?.deletionTimestamp && !isOver(pod)
}

function isOver(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

function podCount(used: Resources): number {
  return used.get('pods') ?? 0
}

function keyOf(object: V1Pod | V1Node): string {
  const { namespace, name = '' } = object.metadata ?? {}
  return namespace === undefined ? name : `${namespace}/${name}`
}
