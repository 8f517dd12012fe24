/**
 * The objects of a large cluster as an API server writes them: annotated Deployments of about 6 KB, with the
 * managedFields and the last-applied annotation that real ones carry, each with one ReplicaSet that serves and
 * old ones without pods. Made as text from a pattern: the text of all of them would not fit into memory twice.
 */
import { createHash } from 'node:crypto'

export interface ClusterSize {
  readonly deployments: number
  /** ReplicaSets without pods that each Deployment keeps for `rollout undo`. */
  readonly oldRevisions: number
}

/** The kinds that the fake cluster has objects of. */
export type Plural = 'deployments' | 'replicasets'

/** One resourceVersion a change, from here: the first of the objects that are there at the beginning. */
export const FIRST_VERSION = 100_000

export interface LargeCluster {
  count(plural: Plural): number
  /** The JSON text of one object. */
  text(plural: Plural, index: number, version: number): string
}

export function createLargeCluster({ deployments, oldRevisions }: ClusterSize): LargeCluster {
  const perDeployment = oldRevisions + 1
  return {
    count: plural => (plural === 'deployments' ? deployments : deployments * perDeployment),
    text(plural, index, version) {
      if (plural === 'deployments') return filled(DEPLOYMENT, { ...names(index, 0), version })
      const revision = index % perDeployment
      const pattern = revision === 0 ? SERVING_SET : OLD_SET
      return filled(pattern, { ...names(Math.floor(index / perDeployment), revision), version })
    },
  }
}

/** What differs from object to object. */
interface Names {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly tag: string
  readonly hash: string
  readonly setUid: string
}

function names(index: number, revision: number): Names {
  const name = `${APPS[index % APPS.length]}-${String(index).padStart(5, '0')}`
  return {
    namespace: `team-${index % 200}`,
    name,
    uid: uuid(`deployment ${index}`),
    tag: `v1.${40 - revision}.${index % 10}`,
    hash: digest(`hash ${index} ${revision}`).slice(0, 10),
    setUid: uuid(`set ${index} ${revision}`),
  }
}

const APPS = ['checkout', 'catalogue', 'payments', 'search-api', 'recommendations', 'mailer', 'frontend']

function uuid(seed: string): string {
  const hex = digest(seed)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Each `<word>` of a pattern becomes the value of that name. */
function filled(pattern: readonly string[], values: Names & { readonly version: number }): string {
  return pattern
    .map((piece, place) => (place % 2 === 0 ? piece : String(values[piece as keyof Names])))
    .join('')
}

function pattern(object: unknown): readonly string[] {
  return JSON.stringify(object).split(/<(\w+)>/)
}

const LABELS = {
  app: '<name>',
  'app.kubernetes.io/name': '<name>',
  team: '<namespace>',
}

const CONTAINER = {
  name: '<name>',
  image: 'containers.example.com/<namespace>/<name>:<tag>',
  imagePullPolicy: 'IfNotPresent',
  ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
  envFrom: [{ configMapRef: { name: '<name>-config' } }],
  env: [
    { name: 'LOG_LEVEL', value: 'info' },
    { name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: '<name>-database', key: 'url' } } },
    { name: 'RELEASE', value: '<tag>' },
  ],
  resources: { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
  readinessProbe: probe('/readyz', 5),
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
  },
  volumeMounts: [{ name: 'scratch', mountPath: '/var/scratch' }],
}

const POD_SPEC = {
  volumes: [{ name: 'scratch', emptyDir: {} }],
  containers: [CONTAINER],
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  serviceAccountName: '<name>',
  serviceAccount: '<name>',
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  schedulerName: 'default-scheduler',
}

const APPLIED = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    annotations: { 'canaryhook.dev/steps': '10% for 5m, 50% for 10m' },
    labels: LABELS,
    name: '<name>',
    namespace: '<namespace>',
  },
  spec: {
    replicas: 5,
    selector: { matchLabels: { app: '<name>' } },
    template: { metadata: { labels: LABELS }, spec: { containers: [CONTAINER], volumes: POD_SPEC.volumes } },
  },
}

/** What the release before this one left behind: the record of a success. */
const STATE = {
  version: 1,
  phase: 'Succeeded',
  release: '<hash>',
  by: 'deployer@example.com',
  plan: '10% for 5m, 50% for 10m',
  deadline: 600,
  maxRestarts: 2,
  onFailure: 'hold',
  total: 5,
  step: 2,
}

const DEPLOYMENT = pattern({
  metadata: {
    name: '<name>',
    namespace: '<namespace>',
    uid: '<uid>',
    resourceVersion: '<version>',
    generation: 12,
    creationTimestamp: '2026-01-07T08:15:30Z',
    labels: LABELS,
    annotations: {
      'canaryhook.dev/state': JSON.stringify(STATE),
      'canaryhook.dev/steps': '10% for 5m, 50% for 10m',
      'deployment.kubernetes.io/revision': '12',
      'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(APPLIED)}\n`,
    },
    managedFields: [
      managed('kubectl-client-side-apply', { ...APPLIED.metadata, spec: APPLIED.spec }),
      managed('kube-controller-manager', { status: { conditions: [], replicas: 5 } }, 'status'),
    ],
  },
  spec: {
    replicas: 5,
    selector: { matchLabels: { app: '<name>' } },
    template: { metadata: { labels: LABELS }, spec: POD_SPEC },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  },
  status: {
    observedGeneration: 12,
    replicas: 5,
    updatedReplicas: 5,
    readyReplicas: 5,
    availableReplicas: 5,
    conditions: [
      condition(
        'Progressing',
        'NewReplicaSetAvailable',
        'ReplicaSet "<name>-<hash>" has successfully progressed.',
      ),
      condition('Available', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'),
    ],
  },
})

const SERVING_SET = pattern(replicaSet(5))
const OLD_SET = pattern(replicaSet(0))

function replicaSet(replicas: number) {
  const labels = { ...LABELS, 'pod-template-hash': '<hash>' }
  return {
    metadata: {
      name: '<name>-<hash>',
      namespace: '<namespace>',
      uid: '<setUid>',
      resourceVersion: '<version>',
      generation: 3,
      creationTimestamp: '2026-02-11T09:10:11Z',
      labels,
      annotations: {
        'canaryhook.dev/state': JSON.stringify(STATE),
        'canaryhook.dev/steps': '10% for 5m, 50% for 10m',
        'deployment.kubernetes.io/desired-replicas': '5',
        'deployment.kubernetes.io/max-replicas': '7',
        'deployment.kubernetes.io/revision': '12',
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: '<name>',
          uid: '<uid>',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        managed('kube-controller-manager', { metadata: { labels, ownerReferences: [] }, spec: POD_SPEC }),
        managed('kube-controller-manager', { status: { replicas: 5, readyReplicas: 5 } }, 'status'),
      ],
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: '<name>', 'pod-template-hash': '<hash>' } },
      template: { metadata: { labels }, spec: POD_SPEC },
    },
    status:
      replicas === 0
        ? { replicas: 0, observedGeneration: 3 }
        : {
            replicas,
            fullyLabeledReplicas: 5,
            readyReplicas: 5,
            availableReplicas: 5,
            observedGeneration: 3,
          },
  }
}

function probe(path: string, periodSeconds: number) {
  const times = { initialDelaySeconds: 5, timeoutSeconds: 1, periodSeconds, successThreshold: 1 }
  return { httpGet: { path, port: 'http', scheme: 'HTTP' }, ...times, failureThreshold: 3 }
}

function condition(type: string, reason: string, message: string) {
  const time = '2026-02-11T09:12:13Z'
  return { type, status: 'True', lastUpdateTime: time, lastTransitionTime: time, reason, message }
}

/** An entry of managedFields: who wrote each of these fields. */
function managed(manager: string, fields: unknown, subresource?: string) {
  return {
    manager,
    operation: 'Update',
    apiVersion: 'apps/v1',
    time: '2026-02-11T09:12:13Z',
    fieldsType: 'FieldsV1',
    fieldsV1: fieldSet(fields),
    ...(subresource && { subresource }),
  }
}

/** Every field as `f:name`, as the API server notes them; elements of lists by their name. */
function fieldSet(value: unknown): unknown {
  if (Array.isArray(value)) {
    const entries = value.map(item => [`k:${JSON.stringify({ name: item.name ?? 'x' })}`, fieldSet(item)])
    return { '.': {}, ...Object.fromEntries(entries) }
  }
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [`f:${key}`, fieldSet(field)]))
}
