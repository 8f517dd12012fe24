/** What `helm test` says when something is wrong, and that it leaves nothing then either. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessOf } from '../controlplane/access.ts'
import { apiOf } from '../controlplane/api.ts'
import { removeRegistration, tokenOf } from '../controlplane/install.ts'
import { ownControlPlane } from '../controlplane/planes.ts'
import { CHART } from './helm.ts'

const { admin } = ownControlPlane().kubeconfigs
const api = apiOf(admin)
const namespace = `chart-${randomBytes(3).toString('hex')}`
const apps = `/apis/apps/v1/namespaces/${namespace}/deployments`

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'canaryhook-chart-'))
  await removeRegistration(api)
  const account = { namespace, name: 'tester' }
  const rbac = 'rbac.authorization.k8s.io'
  await api.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
    {
      ...{ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata: account },
      ...{ roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' } },
      ...{ subjects: [{ kind: 'ServiceAccount', ...account }] },
    },
  ])
  await writeFile(join(directory, 'token'), await tokenOf(api, account))
  await writeFile(join(directory, 'ca.crt'), accessOf(admin).ca ?? '')
})
afterAll(async () => {
  await api.request('DELETE', `/api/v1/namespaces/${namespace}`)
  await rm(directory, { recursive: true, force: true })
})

function run(env: Readonly<Record<string, string>> = {}): Promise<{ code: number; said: string }> {
  const all = {
    API_SERVER: accessOf(admin).server,
    TOKEN_FILE: join(directory, 'token'),
    NODE_EXTRA_CA_CERTS: join(directory, 'ca.crt'),
    NAMESPACE: namespace,
    IMAGE: 'canaryhook:test',
    TIMEOUT_SECONDS: '10',
    ...env,
  }
  return new Promise(resolve => {
    const script = join(CHART, 'files', 'canary-test.mjs')
    execFile(process.execPath, [script], { env: all }, (error, stdout) => {
      resolve({ code: error ? Number(error.code) : 0, said: stdout })
    })
  })
}

test.each<readonly [string, Readonly<Record<string, string>>, RegExp]>([
  [
    'where no webhook is asked, that the change was stored as if there were no Canaryhook',
    {},
    /FAILED: the change was stored as if there were no Canaryhook\..*webhook\.namespaceSelector/,
  ],
  [
    'where pods do not come, what it waited for and how long',
    { IMAGE: 'does-not-exist', TIMEOUT_SECONDS: '2' },
    /FAILED: waited 2 s for 2 available pods of the first version: 0 are available/,
  ],
  [
    'where it may not, the words of the API server',
    { NAMESPACE: 'default' },
    /FAILED: DELETE .* was answered with 403: .*cannot delete resource "deployments"/,
  ],
])('%s', async (_sentence, env, expected) => {
  const { code, said } = await run(env)
  expect(said).toMatch(expected)
  expect(code).toBe(1)
  expect((await api.request('GET', apps)).body.items).toEqual([])
})
