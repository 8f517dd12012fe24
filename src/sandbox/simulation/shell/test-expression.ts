/** `test` and `[ … ]`: strings, whole numbers, files, `!`, `-a`, `-o`. */
import type { Invocation } from './machine.ts'

const TRUE = 0
const FALSE = 1
const MISUSED = 2

const COMPARISONS: Readonly<Record<string, (left: string, right: string) => boolean>> = {
  '=': (left, right) => left === right,
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '-eq': (left, right) => Number(left) === Number(right),
  '-ne': (left, right) => Number(left) !== Number(right),
  '-lt': (left, right) => Number(left) < Number(right),
  '-le': (left, right) => Number(left) <= Number(right),
  '-gt': (left, right) => Number(left) > Number(right),
  '-ge': (left, right) => Number(left) >= Number(right),
}

/** @returns the exit code: 0 true, 1 false, 2 when the expression makes no sense */
export function testExpression(invocation: Invocation, operands: readonly string[]): number {
  for (const [operator, decisive] of [
    ['-o', TRUE],
    ['-a', FALSE],
  ] as const) {
    const at = operands.indexOf(operator, 1)
    if (at < 1 || at === operands.length - 1) continue
    const left = testExpression(invocation, operands.slice(0, at))
    return left === decisive || left === MISUSED ? left : testExpression(invocation, operands.slice(at + 1))
  }
  return testOne(invocation, operands)
}

function testOne(invocation: Invocation, operands: readonly string[]): number {
  const [first, second, third] = operands
  if (first === undefined) return FALSE
  if (operands.length > 1 && first === '!') {
    const inner = testOne(invocation, operands.slice(1))
    return inner === MISUSED ? MISUSED : inner === TRUE ? FALSE : TRUE
  }
  if (second === undefined) return first === '' ? FALSE : TRUE
  if (third === undefined) return testUnary(invocation, first, second)
  const compare = COMPARISONS[second]
  if (compare === undefined || operands.length > 3) return misused(invocation, second)
  const numeric = second.startsWith('-')
  const wrong = numeric ? [first, third].find(value => !/^\s*-?\d+\s*$/.test(value)) : undefined
  if (wrong !== undefined) return misused(invocation, wrong)
  return compare(first, third) ? TRUE : FALSE
}

function testUnary(invocation: Invocation, operator: string, operand: string): number {
  const file = invocation.machine.readFile(operand)
  switch (operator) {
    case '-n':
      return operand === '' ? FALSE : TRUE
    case '-z':
      return operand === '' ? TRUE : FALSE
    case '-e':
    case '-f':
    case '-r':
      return file === undefined ? FALSE : TRUE
    case '-s':
      return file === undefined || file === '' ? FALSE : TRUE
    case '-d':
      return FALSE
    default:
      return misused(invocation, operator)
  }
}

function misused(invocation: Invocation, what: string): number {
  invocation.stderr(`sh: ${what}: unknown operand\n`)
  return MISUSED
}
