import { quote } from './quote.ts'

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const DOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/**
 * Reads the key of a label: a name of at most 63 characters, with or without a domain and a slash before it.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 *
 * @returns the key, or what is wrong with it
 */
export function readLabelKey(text: string): { readonly key: string } | { readonly problem: string } {
  const key = text.trim()
  const [withoutValue = '', ...value] = key.split(/[=:]/)
  if (value.length > 0 && isKey(withoutValue)) {
    return { problem: `${quote(key)} is a label with a value (write its key alone: ${withoutValue})` }
  }
  if (!isKey(key))
    return { problem: `${quote(key)} is not the key of a label (such as production or example.com/live)` }
  return { key }
}

function isKey(key: string): boolean {
  const parts = key.split('/')
  const name = parts.pop() ?? ''
  if (!NAME.test(name) || name.length > 63) return false
  const [domain, ...more] = parts
  if (domain === undefined) return true
  return more.length === 0 && domain.length <= 253 && DOMAIN.test(domain)
}
