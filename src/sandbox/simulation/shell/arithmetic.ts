/** Evaluates `$((…))`: whole numbers, names, + - * / %, comparisons, `&&`, `||`, brackets. */
import { ShellSyntaxError } from './syntax.ts'

const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/', '%'],
]

/**
 * @param variable what a name stands for; '' counts as 0
 * @throws ShellSyntaxError
 */
export function evaluateArithmetic(expression: string, variable: (name: string) => string): number {
  const tokens = expression.match(/\d+|[A-Za-z_]\w*|\|\||&&|[=!<>]=|[-+*/%<>()!]|\S/g) ?? ['0']
  let position = 0

  const binary = (level: number): number => {
    const operators = LEVELS[level]
    if (operators === undefined) return unary()
    let left = binary(level + 1)
    for (;;) {
      const operator = tokens[position]
      if (operator === undefined || !operators.includes(operator)) return left
      position += 1
      left = apply(operator, left, binary(level + 1))
    }
  }

  const unary = (): number => {
    const token = tokens[position++]
    if (token === '-') return -unary()
    if (token === '+') return unary()
    if (token === '!') return unary() === 0 ? 1 : 0
    if (token === '(') {
      const inside = binary(0)
      if (tokens[position++] !== ')') throw new ShellSyntaxError('arithmetic syntax error')
      return inside
    }
    if (token !== undefined && /^\d+$/.test(token)) return Number(token)
    if (token !== undefined && /^[A-Za-z_]/.test(token))
      return Number.parseInt(variable(token) || '0', 10) || 0
    throw new ShellSyntaxError('arithmetic syntax error')
  }

  const value = binary(0)
  if (position < tokens.length) throw new ShellSyntaxError('arithmetic syntax error')
  return value
}

function apply(operator: string, left: number, right: number): number {
  if ((operator === '/' || operator === '%') && right === 0) {
    throw new ShellSyntaxError('arithmetic syntax error: divide by zero')
  }
  switch (operator) {
    case '||':
      return left !== 0 || right !== 0 ? 1 : 0
    case '&&':
      return left !== 0 && right !== 0 ? 1 : 0
    case '==':
      return left === right ? 1 : 0
    case '!=':
      return left !== right ? 1 : 0
    case '<':
      return left < right ? 1 : 0
    case '>':
      return left > right ? 1 : 0
    case '<=':
      return left <= right ? 1 : 0
    case '>=':
      return left >= right ? 1 : 0
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return Math.trunc(left / right)
    default:
      return left % right
  }
}
