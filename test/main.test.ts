/** The command as a process: what it prints, when it ends, and with which code. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { createAuthority, issueLeaf } from '../src/certs/certificates.ts'
import { kubeconfigFor } from './cluster/fake-api-server.ts'
import { reviewOf } from './webhook/review-fixture.ts'

const validity = { now: Date.now(), days: 1 }
const authority = createAuthority('test', validity)
const leaf = issueLeaf(authority, ['localhost'], validity)
const root = join(import.meta.dirname, '..')

let certs: string
let children: ChildProcess[]

beforeEach(async () => {
  children = []
  certs = await mkdtemp(join(tmpdir(), 'canaryhook-main-'))
  await writeFile(join(certs, 'tls.crt'), leaf.cert)
  await writeFile(join(certs, 'tls.key'), leaf.key)
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(certs, { recursive: true })
})

interface Run {
  readonly child: ChildProcess
  readonly output: () => { stdout: string; stderr: string }
  readonly exited: Promise<number | string | null>
  /** The first log line with this message. */
  logged(message: string): Promise<Record<string, unknown>>
}

function canaryhook(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const child = spawn(process.execPath, ['src/main.ts', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.push(child)
  let stdout = ''
  let stderr = ''
  const exited = new Promise<number | string | null>(resolve => {
    child.on('close', (code, signal) => resolve(signal ?? code))
  })
  child.stderr?.on('data', chunk => {
    stderr += String(chunk)
  })
  child.stdout?.on('data', chunk => {
    stdout += String(chunk)
  })
  const find = (message: string) =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as Record<string, unknown>)
      .find(line => line.msg === message)
  return {
    child,
    output: () => ({ stdout, stderr }),
    exited,
    logged: message =>
      new Promise((resolve, reject) => {
        const look = () => {
          const line = find(message)
          if (line) resolve(line)
        }
        look()
        child.stdout?.on('data', look)
        void exited.then(code => reject(new Error(`ended with ${code}: ${stdout}${stderr}`)))
      }),
  }
}

function startWebhook(more: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Run {
  const args = ['webhook', '--port', '0', '--certs', certs, '--controller-user', 'controller', ...more]
  return canaryhook(args, env)
}

test('version prints the version of package.json', async () => {
  const run = canaryhook(['version'])
  expect(await run.exited).toBe(0)
  expect(run.output().stdout).toBe(`canaryhook ${manifest.version}\n`)
})

test('help names the subcommands, and not the option that is only for parents', async () => {
  const run = canaryhook(['webhook', '--help'])
  expect(await run.exited).toBe(0)
  expect(run.output().stdout).toContain('--controller-user <user>')
  expect(run.output().stdout).not.toContain('--stdin-closes')
})

test.each<[string, string[], RegExp]>([
  [
    'a port that is none',
    ['webhook', '--port', '70000'],
    /'70000' is invalid\. expected a port from 0 to 65535/,
  ],
  [
    'no certificates',
    ['webhook', '--controller-user', 'x'],
    /required option '--certs <directory>' not specified/,
  ],
  [
    'times of a Lease that are none',
    ['controller', '--lease-timing', '3s,2s'],
    /expected three numbers of milliseconds, such as 15000,10000,2000/,
  ],
  [
    'a time that is none',
    ['uninstall', '--timeout', '5'],
    /option '--timeout <duration>' argument '5' is invalid\. "5" has no unit \(write 5m or 5s\)/,
  ],
  [
    'no cluster to uninstall from',
    ['uninstall'],
    /canaryhook uninstall: no cluster to work on: give --kubeconfig FILE, set KUBECONFIG, or run in a pod/,
  ],
  ['an unknown subcommand', ['webhok'], /unknown command 'webhok'[\s\S]*Did you mean webhook\?/],
])('%s is told on standard error, with exit code 1', async (_what, args, message) => {
  const run = canaryhook(args)
  expect(await run.exited).toBe(1)
  expect(run.output().stderr).toMatch(message)
})

test('the webhook answers, and SIGTERM ends it with 0', async () => {
  const run = startWebhook()
  const line = await run.logged('webhook listening')
  expect(line).toMatchObject({ level: 'info', component: 'webhook', port: expect.any(Number) })
  const review = reviewOf({ operation: 'CREATE', oldObject: null })
  expect(await post(Number(line.port), review)).toMatchObject({
    response: { uid: 'review-1', allowed: true },
  })
  run.child.kill('SIGTERM')
  expect(await run.exited).toBe(0)
  await expect(run.logged('webhook stopped')).resolves.toBeDefined()
})

test('SIGINT ends it too', async () => {
  const run = startWebhook()
  await run.logged('webhook listening')
  run.child.kill('SIGINT')
  expect(await run.exited).toBe(0)
})

test('with --stdin-closes it ends when its parent is gone', async () => {
  const run = startWebhook(['--stdin-closes'])
  await run.logged('webhook listening')
  run.child.stdin?.end()
  expect(await run.exited).toBe(0)
  expect(run.output().stdout).toContain('standard input closed')
})

test('without it, standard input does not matter', async () => {
  const run = startWebhook()
  run.child.stdin?.end()
  const { port } = await run.logged('webhook listening')
  expect(await post(Number(port), reviewOf({ operation: 'DELETE', object: null }))).toMatchObject({
    response: { allowed: true },
  })
})

test('missing certificates end it with 1 and one line that says what was expected', async () => {
  await rm(join(certs, 'tls.crt'))
  const run = startWebhook()
  expect(await run.exited).toBe(1)
  const line = JSON.parse(run.output().stdout) as Record<string, unknown>
  expect(line).toMatchObject({
    level: 'fatal',
    err: { code: 'WEBHOOK_CERTIFICATE', message: expect.stringContaining('expected tls.crt and tls.key') },
  })
})

test('with --wait-for-certs it waits for them instead, and listens when they are there', async () => {
  await rm(join(certs, 'tls.crt'))
  const run = startWebhook(['--wait-for-certs'])
  await vi.waitFor(() => expect(run.output().stdout).toContain('waiting for certificates: '), 10_000)
  await writeFile(join(certs, 'tls.crt'), leaf.cert)
  const { port } = await run.logged('webhook listening')
  expect(await post(Number(port), reviewOf({ operation: 'DELETE', object: null }))).toMatchObject({
    response: { allowed: true },
  })
})

test('SIGTERM ends it with 0 while it waits for certificates', async () => {
  await rm(join(certs, 'tls.crt'))
  const run = startWebhook(['--wait-for-certs'])
  await vi.waitFor(() => expect(run.output().stdout).toContain('waiting for certificates: '), 10_000)
  run.child.kill('SIGTERM')
  expect(await run.exited).toBe(0)
  expect(run.output().stdout).not.toContain('webhook listening')
})

test('a controller that is to keep certificates must be told the name of the webhook', async () => {
  const kubeconfig = join(certs, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigFor('https://127.0.0.1:9'))
  const run = canaryhook(['controller', '--kubeconfig', kubeconfig, '--certs', certs])
  expect(await run.exited).toBe(1)
  expect(run.output().stdout).toContain('--certs: say by which name API servers call the webhook')
})

test('LOG_LEVEL decides what is logged, and a wrong one is told', async () => {
  const quiet = startWebhook(['--stdin-closes'], { LOG_LEVEL: 'error' })
  quiet.child.stdin?.end()
  expect(await quiet.exited).toBe(0)
  expect(quiet.output()).toEqual({ stdout: '', stderr: '' })
  const wrong = startWebhook(['--stdin-closes'], { LOG_LEVEL: 'loud' })
  wrong.child.stdin?.end()
  expect(await wrong.exited).toBe(0)
  expect(wrong.output().stderr).toMatch(/^LOG_LEVEL=loud: expected one of trace, debug, info/)
})

test('a controller without a cluster says how to give it one', async () => {
  const run = canaryhook(['controller', '--port', '0'])
  expect(await run.exited).toBe(1)
  expect(run.output().stdout).toContain('give --kubeconfig FILE, set KUBECONFIG, or run in a pod')
})

test('times of a Lease that are not safe end a controller with 1, and all that is wrong is told', async () => {
  const kubeconfig = join(certs, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigFor('https://127.0.0.1:9'))
  const run = canaryhook(['controller', '--kubeconfig', kubeconfig, '--lease-timing', '100,100,100'])
  expect(await run.exited).toBe(1)
  expect(run.output().stdout).toMatch(/longer than 1.2 retry periods; .* shorter than 14\/15/)
})

test('a controller whose cluster does not answer is alive and not ready, and stops when asked', async () => {
  const kubeconfig = join(certs, 'kubeconfig')
  // Port 9 is the discard service, which nobody runs.
  await writeFile(kubeconfig, kubeconfigFor('https://127.0.0.1:9'))
  const run = canaryhook(['controller', '--kubeconfig', kubeconfig, '--port', '0'])
  const { port } = await run.logged('controller started')
  const get = (path: string) => fetch(`http://localhost:${port}${path}`).then(response => response.status)
  expect(await get('/healthz')).toBe(200)
  expect(await get('/readyz')).toBe(503)
  run.child.kill('SIGTERM')
  expect(await run.exited).toBe(0)
})

function post(port: number, body: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = {
      host: 'localhost',
      port,
      path: '/mutate',
      method: 'POST',
      ca: authority.cert,
      agent: false,
    }
    const call = request({ ...options, headers: { 'content-type': 'application/json' } }, async response => {
      resolve(JSON.parse((await response.toArray()).join('')))
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}
