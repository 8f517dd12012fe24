/** What the flags of the command line may say. Each refuses what is wrong with a sentence that names what was expected. */
import { InvalidArgumentError, Option } from 'commander'
import { readDuration } from './core/duration.ts'

export function stdinCloses(): Option {
  return new Option(
    '--stdin-closes',
    'stop when standard input closes, so that a dead parent leaves no orphan',
  ).hideHelp()
}

/** For tests: takeovers in seconds. */
export function leaseTiming(): Option {
  return threeTimes('--lease-timing <duration,deadline,period>', '15000,10000,2000')
}

/** For tests: certificates that live seconds. */
export function certificateTiming(): Option {
  return threeTimes('--certificate-timing <leaf,authority,settle>', '6000,18000,1000')
}

function threeTimes(flags: string, example: string): Option {
  return new Option(flags, 'milliseconds')
    .argParser(text => {
      const times = text.split(',').map(Number)
      if (times.length === 3 && times.every(time => time > 0)) return times
      throw new InvalidArgumentError(`expected three numbers of milliseconds, such as ${example}.`)
    })
    .hideHelp()
}

/** For tests: new certificates every few seconds. */
export function reloadEvery(): Option {
  return new Option('--reload-every <milliseconds>', 'between two looks at the certificate files')
    .argParser(text => {
      if (Number(text) > 0) return Number(text)
      throw new InvalidArgumentError('expected a number of milliseconds.')
    })
    .hideHelp()
}

export function collect(one: string, others: readonly string[]): readonly string[] {
  return [...others, one]
}

export function parseTimeout(text: string): number {
  const reading = readDuration(text)
  if ('seconds' in reading) return reading.seconds
  throw new InvalidArgumentError(`${reading.problem}.`)
}

export function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65535) return port
  throw new InvalidArgumentError('expected a port from 0 to 65535.')
}

export function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d+$/.test(text) && seconds <= 10) return seconds
  throw new InvalidArgumentError('expected whole seconds from 0 to 10.')
}
