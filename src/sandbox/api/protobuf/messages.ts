/**
 * The messages that kubectl create sends, with the field numbers of the generated.proto files of k8s.io/api and
 * k8s.io/apimachinery. Only fields that it fills in; others are left out when they come.
 */

export type FieldType =
  | 'string'
  | 'int'
  /** A number of which 0 means that it is not set. */
  | 'count'
  | 'bool'
  | 'bytes'
  | 'quantity'
  | 'intOrString'
  | { readonly message: Message }
  | { readonly list: FieldType }
  | { readonly map: FieldType }

/** Field number → name and type. */
export type Message = Readonly<Record<number, readonly [name: string, type: FieldType]>>

const strings: FieldType = { list: 'string' }
const stringMap: FieldType = { map: 'string' }
const quantities: FieldType = { map: 'quantity' }
const message = (fields: Message): FieldType => ({ message: fields })
const list = (fields: Message): FieldType => ({ list: { message: fields } })

const ownerReference: Message = {
  1: ['kind', 'string'],
  3: ['name', 'string'],
  4: ['uid', 'string'],
  5: ['apiVersion', 'string'],
  6: ['controller', 'bool'],
  7: ['blockOwnerDeletion', 'bool'],
}

const objectMeta: Message = {
  1: ['name', 'string'],
  2: ['generateName', 'string'],
  3: ['namespace', 'string'],
  5: ['uid', 'string'],
  6: ['resourceVersion', 'string'],
  11: ['labels', stringMap],
  12: ['annotations', stringMap],
  13: ['ownerReferences', list(ownerReference)],
  14: ['finalizers', strings],
}

const labelSelector: Message = {
  1: ['matchLabels', stringMap],
  2: ['matchExpressions', list({ 1: ['key', 'string'], 2: ['operator', 'string'], 3: ['values', strings] })],
}

const container: Message = {
  1: ['name', 'string'],
  2: ['image', 'string'],
  3: ['command', strings],
  4: ['args', strings],
  5: ['workingDir', 'string'],
  6: [
    'ports',
    list({
      1: ['name', 'string'],
      2: ['hostPort', 'count'],
      3: ['containerPort', 'count'],
      4: ['protocol', 'string'],
      5: ['hostIP', 'string'],
    }),
  ],
  7: ['env', list({ 1: ['name', 'string'], 2: ['value', 'string'] })],
  8: ['resources', message({ 1: ['limits', quantities], 2: ['requests', quantities] })],
  13: ['terminationMessagePath', 'string'],
  14: ['imagePullPolicy', 'string'],
  16: ['stdin', 'bool'],
  17: ['stdinOnce', 'bool'],
  18: ['tty', 'bool'],
}

const podSpec: Message = {
  2: ['containers', list(container)],
  3: ['restartPolicy', 'string'],
  4: ['terminationGracePeriodSeconds', 'int'],
  5: ['activeDeadlineSeconds', 'int'],
  6: ['dnsPolicy', 'string'],
  7: ['nodeSelector', stringMap],
  8: ['serviceAccountName', 'string'],
  10: ['nodeName', 'string'],
  19: ['schedulerName', 'string'],
  20: ['initContainers', list(container)],
}

const podTemplate: Message = { 1: ['metadata', message(objectMeta)], 2: ['spec', message(podSpec)] }

const deploymentSpec: Message = {
  1: ['replicas', 'int'],
  2: ['selector', message(labelSelector)],
  3: ['template', message(podTemplate)],
  4: [
    'strategy',
    message({
      1: ['type', 'string'],
      2: ['rollingUpdate', message({ 1: ['maxUnavailable', 'intOrString'], 2: ['maxSurge', 'intOrString'] })],
    }),
  ],
  5: ['minReadySeconds', 'count'],
  6: ['revisionHistoryLimit', 'int'],
  7: ['paused', 'bool'],
  9: ['progressDeadlineSeconds', 'int'],
}

const servicePort: Message = {
  1: ['name', 'string'],
  2: ['protocol', 'string'],
  3: ['port', 'count'],
  4: ['targetPort', 'intOrString'],
  5: ['nodePort', 'count'],
  6: ['appProtocol', 'string'],
}

const serviceSpec: Message = {
  1: ['ports', list(servicePort)],
  2: ['selector', stringMap],
  3: ['clusterIP', 'string'],
  4: ['type', 'string'],
  5: ['externalIPs', strings],
  7: ['sessionAffinity', 'string'],
  10: ['externalName', 'string'],
  13: ['publishNotReadyAddresses', 'bool'],
}

const jobSpec: Message = {
  1: ['parallelism', 'int'],
  2: ['completions', 'int'],
  3: ['activeDeadlineSeconds', 'int'],
  6: ['template', message(podTemplate)],
  7: ['backoffLimit', 'int'],
  8: ['ttlSecondsAfterFinished', 'int'],
}

const cronJobSpec: Message = {
  1: ['schedule', 'string'],
  2: ['startingDeadlineSeconds', 'int'],
  3: ['concurrencyPolicy', 'string'],
  4: ['suspend', 'bool'],
  5: ['jobTemplate', message({ 1: ['metadata', message(objectMeta)], 2: ['spec', message(jobSpec)] })],
  8: ['timeZone', 'string'],
}

const scaleTargetRef: Message = { 1: ['kind', 'string'], 2: ['name', 'string'], 3: ['apiVersion', 'string'] }

const resourceMetric: Message = {
  1: ['name', 'string'],
  2: [
    'target',
    message({
      1: ['type', 'string'],
      2: ['value', 'quantity'],
      3: ['averageValue', 'quantity'],
      4: ['averageUtilization', 'int'],
    }),
  ],
}

const autoscalerSpec: Message = {
  1: ['scaleTargetRef', message(scaleTargetRef)],
  2: ['minReplicas', 'int'],
  3: ['maxReplicas', 'count'],
}

const withSpec = (spec: Message): Message => ({
  1: ['metadata', message(objectMeta)],
  2: ['spec', message(spec)],
})

/** By apiVersion and kind. */
export const MESSAGES: Readonly<Record<string, Message>> = {
  'v1 Namespace': { 1: ['metadata', message(objectMeta)] },
  'v1 Pod': withSpec(podSpec),
  'v1 Service': withSpec(serviceSpec),
  'v1 ServiceAccount': { 1: ['metadata', message(objectMeta)] },
  'v1 ConfigMap': {
    1: ['metadata', message(objectMeta)],
    2: ['data', stringMap],
    3: ['binaryData', { map: 'bytes' }],
  },
  'v1 Secret': {
    1: ['metadata', message(objectMeta)],
    2: ['data', { map: 'bytes' }],
    3: ['type', 'string'],
  },
  'v1 ResourceQuota': withSpec({ 1: ['hard', quantities], 2: ['scopes', strings] }),
  'apps/v1 Deployment': withSpec(deploymentSpec),
  'autoscaling/v1 HorizontalPodAutoscaler': withSpec({
    ...autoscalerSpec,
    4: ['targetCPUUtilizationPercentage', 'int'],
  }),
  'autoscaling/v2 HorizontalPodAutoscaler': withSpec({
    ...autoscalerSpec,
    4: ['metrics', list({ 1: ['type', 'string'], 4: ['resource', message(resourceMetric)] })],
  }),
  'batch/v1 Job': withSpec(jobSpec),
  'batch/v1 CronJob': withSpec(cronJobSpec),
}
