/** The Dockerfile, carried out in a clean folder: what it makes runs, and nothing is in it that need not be. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import { lets, readDockerfile } from './dockerfile.ts'
import { type Built, buildInFolder, filesUnder } from './folder-build.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODE = '/usr/local/bin/node'

let work = ''
let image: Built
let files: readonly string[]
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'canaryhook-image-'))
  image = await buildInFolder(readDockerfile(await read('Dockerfile'), { VERSION: '1.2.3' }), {
    context: ROOT,
    ignore: await read('.dockerignore'),
    work,
    bases: { NODE_IMAGE: { [NODE]: process.execPath } },
  })
  files = await filesUnder(image.root)
}, 240_000)
afterAll(() => rm(work, { recursive: true, force: true }))

function read(name: string): Promise<string> {
  return readFile(join(ROOT, name), 'utf8')
}

/** What a container of it runs; nothing of this machine's environment is in there, and no shell. */
function commandLine(args: readonly string[]): readonly [string, readonly string[]] {
  const [program = '', ...fixed] = image.entrypoint.map(word =>
    word.startsWith('/') ? join(image.root, word) : word,
  )
  return [program, [...fixed, ...args]]
}

async function run(...args: readonly string[]): Promise<string> {
  const [program, all] = commandLine(args)
  const { stdout } = await promisify(execFile)(program, all, { env: image.env, cwd: join(image.root, 'app') })
  return stdout
}

/** Starts it until it logs that message. */
async function logs(message: string, ...args: readonly string[]): Promise<void> {
  const [program, all] = commandLine(args)
  const child = spawn(program, all, { env: image.env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line)
      if (line.includes(message)) return
    }
    throw new Error(`it ended without "${message}":\n${said.join('\n')}`)
  } finally {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

describe('what is in it', () => {
  test('is a node and the application, and nothing of tests, sandbox, demo or tools', () => {
    const places = new Set(
      files.map(file =>
        file
          .split('/')
          .slice(0, file.startsWith('app/') ? 2 : 9)
          .join('/'),
      ),
    )
    expect([...places].sort()).toEqual([
      'app/LICENSE',
      'app/node_modules',
      'app/package.json',
      'app/src',
      'usr/local/bin/node',
    ])
    const parts = new Set(files.flatMap(file => /^app\/src\/([^/]+)/.exec(file)?.[1] ?? []))
    for (const part of ['main.ts', 'core', 'webhook', 'controller']) expect(parts).toContain(part)
    for (const part of ['sandbox', 'demo', 'cli']) expect(parts).not.toContain(part)
  })

  test('is of the packages what runs: no tool, no types, no source maps', async () => {
    const { devDependencies } = JSON.parse(await read('package.json')) as { devDependencies: object }
    const there = Object.keys(devDependencies).filter(name =>
      files.some(file => file.startsWith(`app/node_modules/${name}/`) && file.endsWith('.js')),
    )
    // client-node names packages of types as dependencies; they hold no code.
    expect(there).toEqual([])
    expect(files.filter(file => /\.(?:map|d\.[mc]?ts)$/.test(file))).toEqual([])
  })
})

describe('it runs, with nothing else around it:', () => {
  test('version', async () => {
    expect(await run('version')).toBe(
      `canaryhook ${(JSON.parse(await read('package.json')) as { version: string }).version}\n`,
    )
  })

  test.each(['webhook', 'controller', 'uninstall'])('%s --help', async subcommand => {
    expect(await run(subcommand, '--help')).toContain(`Usage: canaryhook ${subcommand} [options]`)
  })

  test('nothing, which shows what there is', async () => {
    expect(await run(...image.command)).toMatch(/webhook .*controller /s)
  })

  test('the webhook, which loads all that it needs', async () => {
    const validity = { now: Date.now(), days: 1 }
    const leaf = issueLeaf(createAuthority('image test', validity), ['localhost'], validity)
    await writeFile(join(work, 'tls.crt'), leaf.cert)
    await writeFile(join(work, 'tls.key'), leaf.key)
    await logs('webhook listening', 'webhook', '--port', '0', '--certs', work, '--controller-user', 'nobody')
  })

  test('the controller, which loads all that it needs', async () => {
    const kubeconfig = {
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }
    await writeFile(join(work, 'kubeconfig'), JSON.stringify(kubeconfig))
    const certificates = ['--certs', work, '--certificate-name', 'localhost']
    const flags = ['--kubeconfig', join(work, 'kubeconfig'), '--port', '0', ...certificates]
    await logs('controller started', 'controller', ...flags)
  })
})

describe('the Dockerfile', () => {
  test('takes every base image as an argument, so that a build can pin it by digest', async () => {
    const pinned = { NODE_IMAGE: 'node@sha256:1', BASE_IMAGE: 'base@sha256:2' }
    expect(readDockerfile(await read('Dockerfile'), pinned).map(({ from }) => from)).toEqual(
      Object.values(pinned),
    )
  })

  test('runs as nobody, says what it is, and starts the node that the chart’s test starts', async () => {
    expect(image.user).toBe('65532:65532')
    expect(image.labels).toMatchObject({
      'org.opencontainers.image.title': 'canaryhook',
      'org.opencontainers.image.version': '1.2.3',
      'org.opencontainers.image.licenses': 'Apache-2.0',
    })
    expect(image.labels['org.opencontainers.image.base.name']).toMatch(/distroless/)
    expect(image.entrypoint[0]).toBe(NODE)
    expect(await read('helm/canaryhook/templates/tests/canary.yaml')).toContain(`command: [${NODE}, `)
  })
})

test.each([
  ['what is named is let in', 'src', true],
  ['and all below it', 'src/core/plan/plan.ts', true],
  ['but for what a later line takes out', 'src/sandbox/main.ts', false],
  ['whose name is not only the beginning of another', 'src/demography.ts', true],
  ['what nobody names stays out', 'test', false],
])('.dockerignore: %s (%s)', (_sentence, path, expected) => {
  expect(lets('# comment\n*\n!src\nsrc/sandbox\nsrc/demo\n', path)).toBe(expected)
})

test('an instruction that is not known is an error, not something left out', () => {
  expect(() => readDockerfile('FROM a\nVOLUME /data\n')).toThrow(
    'the instruction VOLUME is not known here: VOLUME /data',
  )
})
