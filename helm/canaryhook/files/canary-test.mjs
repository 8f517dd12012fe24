/**
 * `helm test`: lets a tiny Deployment have a canary release, as a user would, and says what it saw. Run by the node
 * of Canaryhook's own image, so that no other image has to be in the cluster.
 *
 * Environment: API_SERVER, TOKEN_FILE, NAMESPACE (where the Deployment is made), IMAGE (one with node in it),
 * TIMEOUT_SECONDS. Ends with 0 when the release went as it should.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const { API_SERVER, TOKEN_FILE, NAMESPACE, IMAGE, TIMEOUT_SECONDS } = process.env
const NAME = 'canary-test'
const DEPLOYMENTS = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`
const REPLICAS = 2
const LABELS = { app: NAME }
const deadline = Date.now() + Number(TIMEOUT_SECONDS) * 1000

/** The test failed; the message says what was expected. */
class Failure extends Error {}

try {
  await remove()
  await create()
  await change()
  await canarySeen()
  await promoted()
  say('The new version is rolled out, the canary is gone. Canaryhook works.')
} catch (error) {
  process.exitCode = 1
  say(error instanceof Failure ? `FAILED: ${error.message}` : `FAILED: ${error.stack}`)
} finally {
  await remove().catch(error => say(`The Deployment ${NAMESPACE}/${NAME} is left: ${error.message}`))
}

async function create() {
  await ask('POST', DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, annotations: { 'canaryhook.dev/steps': '50% for 2s' } },
    spec: { replicas: REPLICAS, selector: { matchLabels: LABELS }, template: podTemplate() },
  })
  say(`Made the Deployment ${NAMESPACE}/${NAME} with ${REPLICAS} replicas and the plan "50% for 2s".`)
  await until(`${REPLICAS} available pods of the first version`, async () => {
    const { status } = await ask('GET', `${DEPLOYMENTS}/${NAME}`)
    return status.availableReplicas === REPLICAS ? '' : `${status.availableReplicas ?? 0} are available`
  })
}

async function change() {
  const patch = { spec: { template: { metadata: { annotations: { version: '2' } } } } }
  const { metadata, spec } = await ask('PATCH', `${DEPLOYMENTS}/${NAME}`, patch)
  if (!spec.paused || !metadata.annotations['canaryhook.dev/state']) {
    throw new Failure(
      'the change was stored as if there were no Canaryhook. Look whether its webhook is registered for this ' +
        'namespace (webhook.namespaceSelector), and, if webhook.failurePolicy is Ignore, whether it answers.',
    )
  }
  say('Changed its template: the webhook paused it and a release is pending.')
}

async function canarySeen() {
  await until(`an available pod of ${NAME}-canary`, async () => {
    const canary = await ask('GET', `${DEPLOYMENTS}/${NAME}-canary`, undefined, [404])
    if (canary.status?.availableReplicas) return ''
    return canary.code === 404 ? `there is no ${NAME}-canary: does the controller run?` : 'none is available'
  })
  say('The canary serves beside the first version.')
}

async function promoted() {
  await until('the new version on all pods', async () => {
    const { metadata, spec, status } = await ask('GET', `${DEPLOYMENTS}/${NAME}`)
    const stalled = status.conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True')
    if (stalled) throw new Failure(`the release failed: ${stalled.message}`)
    const { phase } = JSON.parse(metadata.annotations['canaryhook.dev/state'] ?? '{}')
    const isComplete = phase === 'Succeeded' && !spec.paused && status.updatedReplicas === REPLICAS
    return isComplete ? '' : `the release is ${phase}, ${status.updatedReplicas ?? 0} pods are updated`
  })
  await until(`the end of ${NAME}-canary`, async () => {
    const canary = await ask('GET', `${DEPLOYMENTS}/${NAME}-canary`, undefined, [404])
    return canary.code === 404 ? '' : 'it is still there'
  })
}

async function remove() {
  await ask('DELETE', `${DEPLOYMENTS}/${NAME}`, undefined, [404])
  await until(`the end of ${NAME}`, async () => {
    const { code } = await ask('GET', `${DEPLOYMENTS}/${NAME}`, undefined, [404])
    return code === 404 ? '' : 'it is still there'
  })
}

/** As Canaryhook's own pods, so that a namespace with pod security "restricted" takes them. */
function podTemplate() {
  return {
    metadata: { labels: LABELS, annotations: { version: '1' } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'idle',
          image: IMAGE,
          command: ['/usr/local/bin/node', '-e', 'setInterval(() => {}, 60_000)'],
          resources: { requests: { cpu: '1m', memory: '64Mi' }, limits: { memory: '128Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  }
}

/** Asks again and again until the obstacle is ''. */
async function until(what, obstacle) {
  for (;;) {
    const found = await obstacle()
    if (found === '') return
    if (Date.now() > deadline) throw new Failure(`waited ${TIMEOUT_SECONDS} s for ${what}: ${found}`)
    await sleep(250)
  }
}

/** One request. An answer that is an error fails the test, but for the codes that are expected. */
async function ask(method, path, body, expected = []) {
  const token = await readFile(TOKEN_FILE, 'utf8')
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const response = await fetch(`${API_SERVER}${path}`, {
    method,
    headers: { authorization: `Bearer ${token.trim()}`, 'content-type': type },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = await response.json()
  if (response.ok || expected.includes(response.status)) return answer
  throw new Failure(`${method} ${path} was answered with ${response.status}: ${answer.message}`)
}

function say(text) {
  process.stdout.write(`${text}\n`)
}
