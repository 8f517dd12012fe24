/** The Job of a `test` step: its name, how it is made of its template, and what has become of it. */
import type {
  Condition,
  Container,
  CronJob,
  Job,
  JobTemplate,
  KubernetesObject,
  Pod,
  PodTemplate,
} from './kubernetes.ts'
import { labelsFor, nameHash, RELEASE_LABEL, suffixed } from './names.ts'
import { copied } from './objects.ts'
import { isControlledBy, ownerReference } from './owner-reference.ts'
import { containersOf, whyNotRunning } from './pod-problem.ts'
import { quote } from './quote.ts'
import type { State } from './state.ts'
import type { TestSource } from './test-source.ts'

export const RUN_LABEL = 'canaryhook.dev/run'
export const STEP_LABEL = 'canaryhook.dev/step'
export const ATTEMPT_LABEL = 'canaryhook.dev/attempt'

/** Which Job is meant: a result counts for one release, one of its steps, and one start of it. */
export interface TestRun {
  /** Names the release, and its beginning: the same template may be released twice. */
  readonly run: string
  /** Index of the stage in the expanded plan. */
  readonly step: number
  readonly attempt: number
}

/** What a test is told about the release. */
export interface TestEnvironment {
  /** Undefined where the app has no port. */
  readonly canaryUrl: string | undefined
  readonly stableUrl: string | undefined
  /** Hash of the template. */
  readonly release: string
  /** As people count, from 1. */
  readonly step: number
  /** Percent of the traffic that the canary has now. */
  readonly weight: number
}

/** The run of the release that this state is about. */
export function runOf({ release, started = '' }: State): string {
  return nameHash(`${release} ${started}`)
}

/** At most 63 characters: pods carry the name of their Job in a label. */
export function testJobName(name: string, { run, step, attempt }: TestRun): string {
  return suffixed(name, `test-${run}-${step}-${attempt}`)
}

/**
 * The jobTemplate that a source stands for; undefined when there is no such CronJob. Whether that one is
 * suspended does not count: it is there to be run by releases.
 */
export function templateOf(
  source: TestSource,
  cronJob: (name: string) => CronJob | undefined,
): JobTemplate | undefined {
  if (source.kind === 'cronjob') return cronJob(source.name)?.spec.jobTemplate
  const { image, command, args, env } = source
  const container: Container = {
    name: 'test',
    image,
    ...(command && { command }),
    ...(args && { args }),
    ...(env && { env: Object.entries(env).map(([name, value]) => ({ name, value })) }),
  }
  return {
    spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', containers: [container] } } },
  }
}

/**
 * @param deployment the user's
 * @param template see templateOf; it is kept but for what a Job gets from its controller, or must not have here
 * @param deadline seconds that the Job may take when it says nothing of its own
 */
export function makeTestJob(
  deployment: KubernetesObject,
  template: JobTemplate,
  run: TestRun,
  environment: TestEnvironment,
  deadline: number,
): Job {
  const { name, namespace = 'default' } = deployment.metadata
  const ours = labelsFor('test', name)
  // A selector of its own would count the pods of an earlier run, and a suspended Job would never start.
  const { selector: _, manualSelector: __, suspend: ___, ...spec } = template.spec
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: testJobName(name, run),
      namespace,
      labels: {
        ...copied(template.metadata?.labels),
        ...ours,
        [RELEASE_LABEL]: environment.release,
        [RUN_LABEL]: run.run,
        [STEP_LABEL]: String(run.step),
        [ATTEMPT_LABEL]: String(run.attempt),
      },
      annotations: copied(template.metadata?.annotations),
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      ...spec,
      activeDeadlineSeconds: spec.activeDeadlineSeconds ?? deadline,
      ...(typeof spec.ttlSecondsAfterFinished === 'number' && {
        ttlSecondsAfterFinished: Math.max(SHORTEST_TTL, spec.ttlSecondsAfterFinished),
      }),
      template: podTemplate(spec.template, ours, variables({ name, namespace }, environment)),
    },
  }
}

/** Seconds. A Job that goes as soon as it is over, before its result was read, looks like one that somebody deleted. */
const SHORTEST_TTL = 60

interface Variable {
  readonly name: string
  readonly [field: string]: unknown
}

function variables(
  { name, namespace }: { readonly name: string; readonly namespace: string },
  { canaryUrl, stableUrl, release, step, weight }: TestEnvironment,
): readonly Variable[] {
  const values = {
    CANARY_URL: canaryUrl ?? '',
    STABLE_URL: stableUrl ?? '',
    RELEASE: release,
    STEP: String(step),
    WEIGHT: String(weight),
    NAMESPACE: namespace,
    NAME: name,
  }
  return Object.entries(values).map(([key, value]) => ({ name: key, value }))
}

function podTemplate(
  template: PodTemplate,
  labels: Readonly<Record<string, string>>,
  given: readonly Variable[],
): PodTemplate {
  const { metadata, spec } = template
  const { containers = [], initContainers } = spec ?? {}
  const toldAll = (all: readonly Container[]) => all.map(container => told(container, given))
  return {
    ...template,
    metadata: { ...metadata, labels: { ...withoutJobLabels(metadata?.labels), ...labels } },
    spec: {
      ...spec,
      containers: toldAll(containers),
      ...(initContainers && { initContainers: toldAll(initContainers) }),
    },
  }
}

/**
 * Ours come first: a variable can refer to those before it, as in `HEALTH: $(CANARY_URL)/healthz`. And why a test
 * failed shall be in its pod's status, since nobody is asked for the right to read logs.
 * https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
function told(container: Container, given: readonly Variable[]): Container {
  const names = new Set(given.map(({ name }) => name))
  const own = (container.env as readonly Variable[] | undefined) ?? []
  return {
    ...container,
    env: [...given, ...own.filter(({ name }) => !names.has(name))],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
}

/** A template that was copied from a Job that ran: its controller refuses another's uid in these. */
function withoutJobLabels(labels: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const theirs = /^(controller-uid|job-name|batch\.kubernetes\.io\/(controller-uid|job-name))$/
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !theirs.test(key)))
}

/** A Job of a test, as the cluster has it. */
export interface TestSeen extends TestRun {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly deleting: boolean
  readonly result: 'running' | 'passed' | 'failed'
  /** Why it failed, or what it waits for; '' when there is nothing to tell. */
  readonly why: string
}

/** @param pods those of tests; the ones of other Jobs are left out here, by owner */
export function readTest(job: Job, pods: readonly Pod[]): TestSeen {
  const { namespace = 'default', name, uid = '', labels = {}, deletionTimestamp } = job.metadata
  const result = resultOf(job)
  return {
    namespace,
    name,
    uid,
    run: labels[RUN_LABEL] ?? '',
    step: number(labels[STEP_LABEL]),
    attempt: number(labels[ATTEMPT_LABEL]),
    deleting: deletionTimestamp !== undefined,
    result,
    why: result === 'passed' ? '' : whyOf(job, newestFirst(pods.filter(pod => isControlledBy(pod, job)))),
  }
}

/** A label that is gone, or that somebody wrote: no step and no attempt has this number. */
function number(label: string | undefined): number {
  return label !== undefined && /^\d+$/.test(label) ? Number(label) : -1
}

/**
 * Decided as soon as the Job controller has decided, which is some time before every pod is gone.
 * Source: k8s.io/kubernetes pkg/controller/job job_controller.go (FailureTarget, SuccessCriteriaMet).
 */
function resultOf(job: Job): TestSeen['result'] {
  if (conditionOf(job, 'Failed', 'FailureTarget')) return 'failed'
  return conditionOf(job, 'Complete', 'SuccessCriteriaMet') ? 'passed' : 'running'
}

function conditionOf(job: Job, ...types: readonly string[]): Condition | undefined {
  return job.status?.conditions?.find(({ type, status }) => types.includes(type) && status === 'True')
}

function newestFirst(pods: readonly Pod[]): readonly Pod[] {
  const born = ({ metadata }: Pod) => metadata.creationTimestamp ?? ''
  return [...pods].sort((a, b) => (born(a) < born(b) ? 1 : -1))
}

/** When time ran out, what it was waiting for tells more than how it was then ended. */
function whyOf(job: Job, pods: readonly Pod[]): string {
  const failed = conditionOf(job, 'Failed', 'FailureTarget')
  const told = failed?.message ?? failed?.reason
  const stuck = whyNotRunning(pods.slice(0, 1), 'test pod')
  const ended = pods.map(lastEnd).find(end => end !== undefined)
  if (failed?.reason === 'DeadlineExceeded') return [told, stuck ?? ended].filter(Boolean).join(': ')
  return (failed ? (ended ?? stuck) : (stuck ?? ended)) ?? told ?? ''
}

/** `exit code 1: GET / answered 500`: how a pod failed; undefined when it did not. */
function lastEnd(pod: Pod): string | undefined {
  const containers = containersOf(pod)
  for (const { name, state, lastState } of containers) {
    const ended = state?.terminated ?? lastState?.terminated
    if (!ended || ended.exitCode === 0) continue
    const { exitCode, reason = 'Error', message = '' } = ended
    const who = containers.length > 1 ? `container ${name}: ` : ''
    const how = reason === 'Error' ? `exit code ${exitCode}` : `exit code ${exitCode} (${reason})`
    const line = lastLine(message)
    return `${who}${how}${line === '' ? '' : `: ${line}`}`
  }
  const { reason, message } = pod.status ?? {}
  return reason && `pod ${pod.metadata.name}: ${reason}${message ? `: ${message}` : ''}`
}

const LONGEST_LINE = 300

/** Without colours, and what else a terminal would obey. */
function lastLine(text: string): string {
  const plain = text.replace(/\p{C}\[[\d;]*[A-Za-z]/gu, '')
  const lines = plain.split(/[\r\n]+/).filter(line => line.trim() !== '')
  return quote(lines.at(-1) ?? '', LONGEST_LINE).slice(1, -1)
}
