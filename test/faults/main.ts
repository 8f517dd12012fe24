/**
 * `npm run test:faults [-- --seeds N --from S]`: runs many seeded fault schedules in a few processes and tells
 * what failed. The seed of a failure runs it again: `npm run test:faults -- --seeds 1 --from SEED`.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import { runSeeds } from './batch.ts'
import type { Result } from './run.ts'

interface Flags {
  readonly seeds: number
  readonly from: number
  readonly processes: number
  readonly width: number
  readonly perRig: number
  readonly verbose?: true
  /** Set in the processes that do the work. */
  readonly child?: true
}

const number = (text: string) => Number.parseInt(text, 10)
const flags = new Command('test:faults')
  .option('--seeds <count>', 'how many schedules', number, 1000)
  .option('--from <seed>', 'the first seed', number, 1)
  .option('--processes <count>', 'processes at a time', number, availableParallelism())
  .option('--width <count>', 'schedules at a time in one process', number, 12)
  .option('--per-rig <count>', 'schedules until a fresh sandbox is started', number, 48)
  .option('--verbose', 'tell the story of schedules that went well too')
  .option('--child')
  .parse()
  .opts<Flags>()

if (flags.child) await work()
else await lead()

/** Runs its share and sends each result to the process that asked. */
async function work(): Promise<void> {
  process.once('message', async message => {
    const { seeds } = message as { readonly seeds: readonly number[] }
    await runSeeds(seeds, flags, result => process.send?.(result))
    // What was sent last is on its way, and what dead controllers left behind does not count.
    process.disconnect()
    process.once('disconnect', () => process.exit())
  })
}

async function lead(): Promise<void> {
  const began = performance.now()
  const seeds = Array.from({ length: flags.seeds }, (_, index) => flags.from + index)
  const results: Result[] = []
  const shares = Array.from({ length: Math.min(flags.processes, seeds.length) }, (_, share) =>
    seeds.filter((_, index) => index % flags.processes === share),
  )
  const codes = await Promise.all(
    shares.map(
      share =>
        new Promise<number>(resolve => {
          const child = fork(import.meta.filename, [...process.argv.slice(2), '--child'])
          child.on('message', message => {
            const result = message as Result
            results.push(result)
            report(result)
          })
          child.on('exit', code => resolve(code ?? 1))
          child.send({ seeds: share })
        }),
    ),
  )
  summarize(results, seeds, (performance.now() - began) / 1000)
  const failed = results.some(({ problems }) => problems.length > 0) || results.length < seeds.length
  process.exitCode = failed || codes.some(code => code !== 0) ? 1 : 0
}

function report(result: Result): void {
  if (result.problems.length === 0 && !flags.verbose) return
  process.stdout.write(`seed ${result.seed}: ${result.problems.join('; ') || 'went well'}\n`)
  process.stdout.write(`${result.story.map(line => `  ${line}`).join('\n')}\n`)
}

function summarize(results: readonly Result[], seeds: readonly number[], seconds: number): void {
  const failed = results.filter(({ problems }) => problems.length > 0)
  const sum = (count: (result: Result) => number) => results.reduce((all, one) => all + count(one), 0)
  const rests = results.map(({ restedAfter }) => restedAfter).sort((a, b) => a - b)
  const share = (part: number) => ((rests[Math.floor(part * (rests.length - 1))] ?? 0) / 1000).toFixed(1)
  const phases = [...Map.groupBy(results, ({ phase }) => phase)].map(
    ([phase, some]) => `${some.length} ${phase}`,
  )
  const lost = seeds.filter(seed => !results.some(result => result.seed === seed))
  process.stdout.write(
    [
      `${results.length} schedules in ${seconds.toFixed(0)} s: ${phases.join(', ')}`,
      `${sum(({ faults }) => faults)} faults, ${sum(({ writes }) => writes)} writes`,
      `at rest after the faults: half within ${share(0.5)} s, all but 1% within ${share(0.99)} s, the last after ${share(1)} s`,
      ...(lost.length > 0 ? [`without a result: ${lost.join(', ')}`] : []),
      failed.length === 0
        ? 'none failed'
        : `${failed.length} failed: ${failed
            .map(({ seed }) => seed)
            .sort((a, b) => a - b)
            .join(', ')}`,
      '',
    ].join('\n'),
  )
}
