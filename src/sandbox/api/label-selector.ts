/** Label selectors: the string form of `?labelSelector=`, and the object form inside specs. */
import { at, isObject, listOf, stringOf } from './json.ts'
import { badRequest } from './status.ts'

export type Labels = Readonly<Record<string, string>>
export type LabelMatcher = (labels: Labels) => boolean

/**
 * Reads a selector such as `app=web,tier in (a, b),!canary`. Empty matches everything.
 * @throws StatusError 400 when it cannot be read (apimachinery/pkg/labels Parse)
 */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = splitRequirements(text).map(requirement)
  return labels => requirements.every(matches => matches(labels))
}

/** Splits at commas outside parentheses. */
function splitRequirements(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map(part => part.trim())
    .filter(part => part !== '')
}

const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/
const COMPARISON = /^([^\s=!<>]+)\s*(==|=|!=)\s*([^\s=!<>]*)$/
const EXISTENCE = /^(!?)\s*([^\s=!<>()]+)$/

function requirement(text: string): LabelMatcher {
  const set = SET.exec(text)
  if (set) {
    const [, key = '', operator, listed = ''] = set
    const values = listed.split(',').map(value => value.trim())
    return operator === 'in' ? isIn(key, values) : isNotIn(key, values)
  }
  const comparison = COMPARISON.exec(text)
  if (comparison) {
    const [, key = '', operator, value = ''] = comparison
    return operator === '!=' ? isNotIn(key, [value]) : isIn(key, [value])
  }
  const existence = EXISTENCE.exec(text)
  if (existence) {
    const [, not, key = ''] = existence
    return not ? labels => !(key in labels) : labels => key in labels
  }
  throw badRequest(
    `unable to parse requirement: found '${text}', expected key=value, key!=value, key in (…), key or !key`,
  )
}

function isIn(key: string, values: readonly string[]): LabelMatcher {
  return labels => values.includes(labels[key] ?? '\0')
}

function isNotIn(key: string, values: readonly string[]): LabelMatcher {
  return labels => !values.includes(labels[key] ?? '\0')
}

/** The matcher of a LabelSelector object. An absent selector matches nothing, an empty one everything. */
export function labelSelectorObject(selector: unknown): LabelMatcher {
  if (!isObject(selector)) return () => false
  const wanted = Object.entries(isObject(selector.matchLabels) ? selector.matchLabels : {})
  const matchers: LabelMatcher[] = wanted.map(([key, value]) => isIn(key, [stringOf(value)]))
  for (const expression of listOf(selector.matchExpressions)) {
    const key = stringOf(at(expression, 'key'))
    const values = listOf(at(expression, 'values')).map(stringOf)
    switch (at(expression, 'operator')) {
      case 'In':
        matchers.push(isIn(key, values))
        break
      case 'NotIn':
        matchers.push(isNotIn(key, values))
        break
      case 'Exists':
        matchers.push(labels => key in labels)
        break
      case 'DoesNotExist':
        matchers.push(labels => !(key in labels))
        break
      default:
        matchers.push(() => false)
    }
  }
  return labels => matchers.every(matches => matches(labels))
}

/** The string form of a LabelSelector object, as in the status of a Scale. */
export function labelSelectorText(selector: unknown): string {
  const labels = Object.entries(
    isObject(at(selector, 'matchLabels')) ? (at(selector, 'matchLabels') as object) : {},
  )
  const parts = labels.map(([key, value]) => `${key}=${String(value)}`)
  for (const expression of listOf(at(selector, 'matchExpressions'))) {
    const key = stringOf(at(expression, 'key'))
    const values = listOf(at(expression, 'values')).map(stringOf).join(',')
    switch (at(expression, 'operator')) {
      case 'In':
        parts.push(`${key} in (${values})`)
        break
      case 'NotIn':
        parts.push(`${key} notin (${values})`)
        break
      case 'Exists':
        parts.push(key)
        break
      default:
        parts.push(`!${key}`)
    }
  }
  return parts.sort().join(',')
}
