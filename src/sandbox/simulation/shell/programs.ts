/** The programs that every simulated image has, in the small part that smoke tests and probes use. */
import { curl } from './curl.ts'
import type { Invocation, Program } from './machine.ts'
import { testExpression } from './test-expression.ts'
import { wget } from './wget.ts'

/** By name. `sh` is not among them: it runs these. */
export const PROGRAMS: ReadonlyMap<string, Program> = new Map<string, Program>([
  [':', () => 0],
  ['true', () => 0],
  ['false', () => 1],
  ['echo', echo],
  ['printf', printf],
  ['sleep', sleep],
  ['test', invocation => testExpression(invocation, invocation.arguments)],
  ['[', bracket],
  ['cat', cat],
  ['grep', grep],
  ['head', invocation => cut(invocation, (lines, count) => lines.slice(0, count))],
  ['tail', invocation => cut(invocation, (lines, count) => lines.slice(-count))],
  ['wc', wordCount],
  ['seq', seq],
  [
    'touch',
    ({ arguments: paths, machine }) =>
      each(paths, path => machine.writeFile(path, machine.readFile(path) ?? '')),
  ],
  ['rm', ({ arguments: paths, machine }) => each(paths.filter(isOperand), path => machine.removeFile(path))],
  ['mkdir', () => 0],
  ['env', printEnvironment],
  ['printenv', printEnvironment],
  ['hostname', invocation => print(invocation, invocation.machine.hostname)],
  ['date', invocation => print(invocation, date(invocation))],
  ['curl', curl],
  ['wget', wget],
])

function isOperand(argument: string): boolean {
  return !argument.startsWith('-')
}

function print(invocation: Invocation, line: string): number {
  invocation.stdout(`${line}\n`)
  return 0
}

function each<T>(items: Iterable<T>, act: (item: T) => void): number {
  for (const item of items) act(item)
  return 0
}

function echo(invocation: Invocation): number {
  const [first, ...rest] = invocation.arguments
  const flags = first !== undefined && /^-[neE]+$/.test(first) ? first : ''
  const text = (flags === '' ? invocation.arguments : rest).join(' ')
  invocation.stdout((flags.includes('e') ? unescaped(text) : text) + (flags.includes('n') ? '' : '\n'))
  return 0
}

function printf(invocation: Invocation): number {
  const [format = '', ...values] = invocation.arguments
  let next = 0
  const once = () =>
    unescaped(format).replace(/%(%|[-0-9.]*[sdif])/g, (_all, verb: string) => {
      if (verb === '%') return '%'
      const value = values[next++] ?? ''
      return verb.endsWith('s') ? value : String(Number(value) || 0)
    })
  let text = once()
  while (next > 0 && next < values.length) text += once()
  invocation.stdout(text)
  return 0
}

function unescaped(text: string): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\' }
  return text.replace(/\\([ntr\\])/g, (_all, letter: string) => escapes[letter] ?? letter)
}

async function sleep(invocation: Invocation): Promise<number> {
  const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  for (const argument of invocation.arguments) {
    const [, amount, unit] = /^(\d+(?:\.\d+)?|infinity)([smhd]?)$/.exec(argument) ?? []
    if (amount === undefined) {
      invocation.stderr(`sleep: invalid number '${argument}'\n`)
      return 1
    }
    const year = 365 * 86_400_000
    await invocation.machine.sleep(
      amount === 'infinity' ? year : Number(amount) * (units[unit || 's'] ?? 1000),
    )
  }
  return 0
}

function bracket(invocation: Invocation): number {
  if (invocation.arguments.at(-1) !== ']') {
    invocation.stderr('[: missing ]\n')
    return 2
  }
  return testExpression(invocation, invocation.arguments.slice(0, -1))
}

function cat(invocation: Invocation): number {
  const paths = invocation.arguments.filter(isOperand)
  const texts = readInputs(invocation, paths)
  invocation.stdout(texts.text)
  return texts.status
}

function grep(invocation: Invocation): number {
  const operands = invocation.arguments.filter(isOperand)
  const flags = invocation.arguments.filter(argument => !isOperand(argument)).join('')
  const [pattern = '', ...paths] = operands
  const source = flags.includes('F') ? pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : pattern
  const matcher = new RegExp(flags.includes('x') ? `^(?:${source})$` : source, flags.includes('i') ? 'i' : '')
  const found = linesOf(readInputs(invocation, paths).text).filter(
    line => matcher.test(line) !== flags.includes('v'),
  )
  if (flags.includes('c')) print(invocation, String(found.length))
  else if (!flags.includes('q')) each(found, line => invocation.stdout(`${line}\n`))
  return found.length > 0 ? 0 : 1
}

function cut(
  invocation: Invocation,
  pick: (lines: readonly string[], count: number) => readonly string[],
): number {
  const [, attached] = /(?:^| )-n? ?(\d+)/.exec(invocation.arguments.join(' ')) ?? []
  const paths = invocation.arguments.filter(argument => isOperand(argument) && !/^\d+$/.test(argument))
  const { text, status } = readInputs(invocation, paths)
  each(pick(linesOf(text), Number(attached ?? 10)), line => invocation.stdout(`${line}\n`))
  return status
}

function wordCount(invocation: Invocation): number {
  const flags = invocation.arguments.filter(argument => !isOperand(argument)).join('')
  const { text, status } = readInputs(invocation, invocation.arguments.filter(isOperand))
  const counts: Readonly<Record<string, number>> = {
    l: linesOf(text).length,
    w: text.split(/\s+/).filter(word => word !== '').length,
    c: text.length,
  }
  const wanted = ['l', 'w', 'c'].filter(letter => flags === '' || flags.includes(letter))
  print(invocation, wanted.map(letter => counts[letter]).join(' '))
  return status
}

function seq(invocation: Invocation): number {
  const numbers = invocation.arguments.map(Number)
  const last = numbers.at(-1) ?? 0
  const first = numbers.length > 1 ? (numbers[0] ?? 1) : 1
  const step = numbers.length > 2 ? (numbers[1] ?? 1) : 1
  for (let number = first; step > 0 && number <= last; number += step) invocation.stdout(`${number}\n`)
  return 0
}

function printEnvironment(invocation: Invocation): number {
  const [name] = invocation.arguments
  if (name === undefined) {
    each(invocation.variables, ([key, value]) => invocation.stdout(`${key}=${value}\n`))
    return 0
  }
  const value = invocation.variables.get(name)
  return value === undefined ? 1 : print(invocation, value)
}

function date(invocation: Invocation): string {
  const now = invocation.machine.now()
  return invocation.arguments[0] === '+%s' ? String(Math.floor(now / 1000)) : new Date(now).toISOString()
}

function readInputs(invocation: Invocation, paths: readonly string[]): { text: string; status: number } {
  if (paths.length === 0) return { text: invocation.stdin, status: 0 }
  let text = ''
  let status = 0
  for (const path of paths) {
    const content = invocation.machine.readFile(path)
    if (content === undefined) {
      invocation.stderr(`${invocation.name}: can't open '${path}': No such file or directory\n`)
      status = 1
    } else text += content
  }
  return { text, status }
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
