import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import { connect } from '../../src/cluster/connect.ts'
import type { Cluster } from '../../src/cluster/port.ts'
import { pods } from '../../src/cluster/resources.ts'
import { inCluster, loadKubeconfig } from '../../src/cluster/target.ts'
import { kubeconfigFor, silentLog } from './fake-api-server.ts'

const validity = { now: Date.now(), days: 1 }
const authority = createAuthority('cluster', validity)
const serving = issueLeaf(authority, ['127.0.0.1', 'api.example'], validity)
const clientPair = issueLeaf(authority, ['someone'], validity)
const caData = { 'certificate-authority-data': base64(authority.cert) }

let directory: string
let server: Server
let url: string
let seen: { authorization: string | undefined; impersonate: unknown; client: string | undefined }[]
let statuses: number[]
let clusters: Cluster[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'canaryhook-target-'))
  seen = []
  statuses = []
  clusters = []
  const tls = { ...serving, requestCert: true, rejectUnauthorized: false }
  server = createServer(tls, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate()
    seen.push({
      authorization: request.headers.authorization,
      impersonate: request.headers['impersonate-user'],
      client: peer.subject?.CN?.toString(),
    })
    response.writeHead(statuses.shift() ?? 200).end('{}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  for (const cluster of clusters) await cluster.close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await rm(directory, { recursive: true })
})

async function write(name: string, text: string): Promise<string> {
  const file = join(directory, name)
  await writeFile(file, text)
  return file
}

/** Makes a client from a kubeconfig and sends one call. */
async function callWith(user: object, cluster: object = caData, address = url): Promise<Cluster> {
  const made = await connect(await write('config', kubeconfigFor(address, user, cluster)), { log: silentLog })
  clusters.push(made)
  await call(made)
  return made
}

function call(cluster: Cluster): Promise<void> {
  return cluster.remove(pods, { namespace: 'default', name: 'x' })
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

test('a token', async () => {
  await callWith({ token: 'abc' })
  expect(seen[0]?.authorization).toBe('Bearer abc')
})

test('a client certificate as data', async () => {
  await callWith({
    'client-certificate-data': base64(clientPair.cert),
    'client-key-data': base64(clientPair.key),
  })
  expect(seen).toEqual([{ authorization: undefined, impersonate: undefined, client: 'someone' }])
})

test('files beside the kubeconfig, named relative to it', async () => {
  await write('ca.pem', authority.cert)
  await write('me.pem', clientPair.cert)
  await write('me.key', clientPair.key)
  await callWith(
    { 'client-certificate': 'me.pem', 'client-key': 'me.key' },
    { 'certificate-authority': 'ca.pem' },
  )
  expect(seen[0]?.client).toBe('someone')
})

test('a token file, read again when the server no longer takes what it held', async () => {
  await write('token', 'first\n')
  const cluster = await callWith({ tokenFile: 'token' })
  await write('token', 'second')
  statuses = [401]
  await call(cluster)
  expect(seen.map(one => one.authorization)).toEqual(['Bearer first', 'Bearer first', 'Bearer second'])
})

test('an exec plugin is asked once, told what is wanted, and asked again after a 401', async () => {
  const script = await write(
    'plugin',
    `#!/bin/sh
echo run >> ${join(directory, 'runs')}
n=$(wc -l < ${join(directory, 'runs')} | tr -d ' ')
case "$KUBERNETES_EXEC_INFO" in *ExecCredential*) ;; *) exit 1 ;; esac
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t'$n$MORE'"}}'
`,
  )
  await chmod(script, 0o755)
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: script,
    env: [{ name: 'MORE', value: '-more' }],
  }
  const cluster = await callWith({ exec })
  await call(cluster)
  statuses = [401]
  await call(cluster)
  expect(seen.map(one => one.authorization)).toEqual([
    'Bearer t1-more',
    'Bearer t1-more',
    'Bearer t1-more',
    'Bearer t2-more',
  ])
})

test('an exec plugin that fails is an error of the call', async () => {
  await expect(callWith({ exec: { command: 'false' } })).rejects.toMatchObject({
    code: 'CLUSTER_UNAVAILABLE',
  })
})

test('an exec plugin that hangs is given up like a server that does', async () => {
  const file = await write('config', kubeconfigFor(url, { exec: { command: 'sleep', args: ['1'] } }, caData))
  const cluster = await connect(file, { log: silentLog, limits: { answer: 50, whole: 5_000 } })
  clusters.push(cluster)
  await expect(call(cluster)).rejects.toThrow(/nothing within 0\.05 s/)
})

test('a server that goes on saying 401 is believed after one more try', async () => {
  statuses = [401, 401, 401]
  await expect(callWith({ token: 'abc' })).rejects.toMatchObject({ code: 'CLUSTER_FORBIDDEN', status: 401 })
  expect(seen).toHaveLength(2)
})

test('the user to act as', async () => {
  await callWith({ token: 'abc', as: 'alice' })
  expect(seen[0]).toMatchObject({ authorization: 'Bearer abc', impersonate: 'alice' })
})

test('a server whose authority is unknown is not talked to', async () => {
  await expect(callWith({ token: 'abc' }, {})).rejects.toMatchObject({
    code: 'CLUSTER_UNAVAILABLE',
    status: 0,
  })
  expect(seen).toEqual([])
})

test('insecure-skip-tls-verify is done as it says', async () => {
  await callWith({ token: 'abc' }, { 'insecure-skip-tls-verify': true })
  expect(seen).toHaveLength(1)
})

test('tls-server-name is the name looked for in the certificate', async () => {
  await callWith({ token: 'abc' }, { ...caData, 'tls-server-name': 'api.example' })
  await expect(callWith({ token: 'abc' }, { ...caData, 'tls-server-name': 'other.example' })).rejects.toThrow(
    /other\.example/,
  )
})

test('in a pod: the service account of the mounted folder', async () => {
  await mkdir(join(directory, 'sa'))
  await write('sa/token', 'pod-token')
  await write('sa/ca.crt', authority.cert)
  const { hostname, port } = new URL(url)
  const cluster = await connect(
    { host: hostname, port, serviceAccount: join(directory, 'sa') },
    { log: silentLog },
  )
  clusters.push(cluster)
  await call(cluster)
  expect(seen[0]?.authorization).toBe('Bearer pod-token')
})

test('in a pod without a service account the error says what to look at', async () => {
  await expect(inCluster({ host: '::1', port: '443', serviceAccount: directory })).rejects.toThrow(
    /ca\.crt.*automountServiceAccountToken/,
  )
})

test.each<[string, string, RegExp]>([
  ['a file that is not there', '', /config: ENOENT/],
  ['no context', 'current-context: x', /current-context "x" is not one of its contexts/],
  ['not YAML', '{', /config: /],
  ['a list', '[]', /current-context undefined is not one of its contexts/],
  [
    'no such cluster',
    'current-context: a\ncontexts: [{name: a, context: {cluster: c}}]',
    /cluster "c" of context "a" is not there/,
  ],
  [
    'no such user',
    'current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: "https://x"}}]',
    /user "u" of context "a" is not there/,
  ],
  [
    'a proxy',
    kubeconfigFor('https://x', { token: 't' }, { 'proxy-url': 'http://p' }),
    /proxy-url is not supported/,
  ],
  [
    'an old auth-provider',
    kubeconfigFor('https://x', { 'auth-provider': { name: 'gcp' } }),
    /auth-provider "gcp" is not supported; expected token/,
  ],
  ['a server that is no URL', kubeconfigFor('not a url'), /Invalid URL/],
])('a kubeconfig with %s is refused with its reason', async (_sentence, text, expected) => {
  const file = text === '' ? join(directory, 'config') : await write('config', text)
  await expect(loadKubeconfig(file)).rejects.toMatchObject({
    code: 'CLUSTER_KUBECONFIG',
    message: expect.stringMatching(expected),
  })
})
