import { FIELD_MANAGER } from '../core/names.ts'

const FIELDS = '"managedFields":['
const OURS = `"manager":"${FIELD_MANAGER}"`

/**
 * The objects of a list or watch. Of the managedFields, a third of most objects and full of keys that no other object
 * has, nothing is read but what is ours: where nothing is, they come out empty.
 *
 * @param text JSON, as an API server writes it
 * @throws SyntaxError
 */
export function parseObject(text: string): unknown {
  return JSON.parse(withoutOthersFields(text))
}

function withoutOthersFields(text: string): string {
  // A key: within a string its quotes would be escaped.
  const key = text.indexOf(FIELDS)
  if (key < 0) return text
  const start = key + FIELDS.length
  const end = endOfList(text, start)
  const ours = text.indexOf(OURS, start)
  return end < 0 || (ours >= 0 && ours < end) ? text : text.slice(0, start) + text.slice(end)
}

/** Where the list ends that begins before `start`: at its bracket; -1 when there is none. */
function endOfList(text: string, start: number): number {
  let depth = 1
  for (let place = start; place < text.length; place += 1) {
    const char = text[place]
    if (char === '"') place = endOfString(text, place + 1)
    else if (char === '[') depth += 1
    else if (char === ']' && --depth === 0) return place
  }
  return -1
}

/** Where the string ends that begins before `start`: at its quote. */
function endOfString(text: string, start: number): number {
  let place = start
  while (place < text.length && text[place] !== '"') place += text[place] === '\\' ? 2 : 1
  return place
}
