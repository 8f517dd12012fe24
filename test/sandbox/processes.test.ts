import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { at } from '../../src/sandbox/api/json.ts'
import { type Canaryhook, hostOf, startCanaryhook } from '../../src/sandbox/processes.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { DEPLOYMENTS, deployment, MERGE } from './api/manifests.ts'

let sandbox: Sandbox
let canaryhook: Canaryhook
beforeAll(async () => {
  sandbox = await startSandbox()
  canaryhook = await startCanaryhook(hostOf(sandbox))
})
afterAll(async () => {
  await canaryhook.stop()
  await sandbox.stop()
})

const annotated = (name: string, steps: string) =>
  deployment(name, { metadata: { annotations: { 'canaryhook.dev/steps': steps } } })

test('an apply is intercepted as soon as it has started', async () => {
  const { status, body } = await sandbox.request('alice', 'POST', DEPLOYMENTS, {
    body: annotated('bad', '0%'),
  })
  expect(status).toBeGreaterThanOrEqual(400)
  expect(body.message).toMatch(/^admission webhook "deployments.canaryhook.dev" denied the request: /)
  // The line comes through a pipe, after the answer.
  await vi.waitFor(
    () =>
      expect(canaryhook.logs).toContainEqual(
        expect.objectContaining({ component: 'webhook', name: 'bad', user: 'alice' }),
      ),
    { timeout: 10_000 },
  )
})

test('a webhook that is stopped fails annotated applies only, and comes back on its port', async () => {
  const { port } = canaryhook.webhook
  await canaryhook.stopWebhook()
  expect(canaryhook.webhook.running).toBe(false)
  const failed = await sandbox.request('alice', 'POST', DEPLOYMENTS, { body: annotated('down', '10%') })
  expect(failed.body.message).toContain('failed calling webhook "deployments.canaryhook.dev"')
  const plain = await sandbox.request('alice', 'POST', DEPLOYMENTS, { body: deployment('plain') })
  expect(plain.status).toBe(201)
  await canaryhook.startWebhook()
  expect(canaryhook.webhook.port).toBe(port)
  expect((await sandbox.request('alice', 'POST', DEPLOYMENTS, { body: annotated('up', '10%') })).status).toBe(
    201,
  )
})

test('a controller that is killed can be started again', async () => {
  const { pid } = canaryhook.controller
  await canaryhook.killController()
  expect(canaryhook.controller.running).toBe(false)
  await canaryhook.startController()
  expect(canaryhook.controller.running).toBe(true)
  expect(canaryhook.controller.pid).not.toBe(pid)
})

test('npm run sandbox prints ready when applies are intercepted, and leaves nothing behind when it is killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'canaryhook-test-'))
  const file = join(directory, 'kubeconfig')
  const args = [
    '--import',
    './src/sandbox/resolve-hook.ts',
    'src/sandbox/main.ts',
    '--kubeconfig',
    file,
    '--logs',
  ]
  const child = spawn(process.execPath, args, {
    env: { TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString()
  })
  await vi.waitFor(() => expect(output.stdout).toBe('ready\n'), { timeout: 15_000 })
  const logged = output.stderr
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as unknown)
  const ports = logged.map(line => at(line, 'port')).filter(value => typeof value === 'number')
  expect(ports).toHaveLength(2)
  expect(await Promise.all(ports.map(listens))).toEqual([true, true])
  for (const suffix of ['', '.alice', '.bob'])
    expect(await readFile(file + suffix, 'utf8')).toContain('kind: Config')

  child.kill('SIGKILL')
  await once(child, 'close')
  await vi.waitFor(async () => expect(await Promise.all(ports.map(listens))).toEqual([false, false]), {
    timeout: 5000,
  })
  await rm(directory, { recursive: true })
})

/** Whether a process listens on the port. */
function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

test('the state annotation is kept by the controller, not by a person', async () => {
  await sandbox.request('alice', 'PATCH', `${DEPLOYMENTS}/up`, {
    body: { metadata: { annotations: { 'canaryhook.dev/state': 'forged' } } },
    contentType: MERGE,
  })
  const { body } = await sandbox.request('alice', 'GET', `${DEPLOYMENTS}/up`)
  expect(at(body, 'metadata', 'annotations', 'canaryhook.dev/state')).not.toBe('forged')
})
