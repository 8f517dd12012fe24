/** `npm run demo`: a good and a bad release in a simulated cluster. Exit code 0 when both went as promised. */
import { CanaryhookError } from '../core/errors.ts'
import { hostOf, startCanaryhook } from '../sandbox/processes.ts'
import { startSandbox } from '../sandbox/sandbox.ts'
import { openScreen } from './screen.ts'
import { OUTLINE, tellStory } from './story.ts'
import type { Check } from './verdict.ts'

const NEEDED_NODE = 24
const INTERRUPTED = 130

if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
  process.stderr.write(
    `the demo needs Node ${NEEDED_NODE} or newer and this is Node ${process.versions.node}: ` +
      'run it with "npm run demo" after "npm ci", which installs the right one\n',
  )
  process.exit(1)
}

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
process.exitCode = await run(interrupt.signal)

async function run(signal: AbortSignal): Promise<number> {
  const startedAt = Date.now()
  const screen = openScreen(process.stdout)
  for (const line of OUTLINE) screen.say(line)
  try {
    const checks = await withCanaryhook(screen, signal)
    screen.end()
    return tellVerdict(line => screen.say(line), checks, Date.now() - startedAt)
  } catch (error) {
    screen.end()
    if (signal.aborted) return INTERRUPTED
    process.stderr.write(`The demo failed: ${explain(error)}\n`)
    return 1
  }
}

async function withCanaryhook(
  screen: ReturnType<typeof openScreen>,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const sandbox = await startSandbox()
  try {
    const canaryhook = await startCanaryhook(hostOf(sandbox))
    try {
      return await tellStory(sandbox, screen, signal)
    } finally {
      await canaryhook.stop()
    }
  } finally {
    await sandbox.stop()
  }
}

function tellVerdict(say: (line: string) => void, checks: readonly Check[], took: number): number {
  const failed = checks.filter(({ ok }) => !ok).length
  say('')
  say(`What happened, in ${Math.round(took / 1000)} seconds:`)
  for (const { ok, sentence } of checks) say(`  ${ok ? '✔' : '✖'} ${sentence}`)
  say('')
  say(failed === 0 ? 'All as promised.' : `${failed} of ${checks.length} not as promised.`)
  if (failed === 0)
    say('Do it by hand: npm run sandbox, then kubectl --kubeconfig kubeconfig apply -f examples/shop.yaml')
  return failed === 0 ? 0 : 1
}

function explain(error: unknown): string {
  if (error instanceof CanaryhookError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
