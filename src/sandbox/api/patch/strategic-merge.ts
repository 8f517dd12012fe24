/**
 * Strategic merge patch, as the API server applies it (apimachinery/pkg/util/strategicpatch): a merge patch
 * in which some lists are merged by a key, with directives ($patch, $retainKeys, $setElementOrder,
 * $deleteFromPrimitiveList).
 */
import { isObject, type JsonObject, jsonEqual, listOf } from '../json.ts'
import { type ListMerge, listMerge } from './merge-keys.ts'

const SET_ORDER = '$setElementOrder/'
const DELETE_FROM = '$deleteFromPrimitiveList/'

/** The patch does not fit its lists; the message says where. */
export class StrategicPatchError extends Error {}

/** @throws StrategicPatchError */
export function applyStrategicMerge(document: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(document, patch, [])
}

function mergeObject(original: JsonObject, patch: JsonObject, path: readonly string[]): JsonObject {
  if (patch.$patch === 'replace') return withoutDirectives(patch)
  if (patch.$patch === 'delete') return {}
  let merged: JsonObject = { ...original }
  const retained = patch.$retainKeys
  if (Array.isArray(retained)) {
    merged = Object.fromEntries(Object.entries(merged).filter(([field]) => retained.includes(field)))
  }
  for (const [field, value] of Object.entries(patch)) {
    if (field === '$patch' || field === '$retainKeys') continue
    if (field.startsWith(DELETE_FROM)) {
      const list = field.slice(DELETE_FROM.length)
      merged[list] = listOf(merged[list]).filter(item => !listOf(value).some(gone => jsonEqual(gone, item)))
    } else if (!field.startsWith(SET_ORDER)) {
      mergeField(merged, field, value, [...path, field])
    }
  }
  for (const [field, order] of Object.entries(patch)) {
    if (field.startsWith(SET_ORDER)) putInOrder(merged, field.slice(SET_ORDER.length), listOf(order), path)
  }
  return merged
}

function mergeField(merged: JsonObject, field: string, value: unknown, path: readonly string[]): void {
  if (value === null) {
    delete merged[field]
    return
  }
  const present = merged[field]
  if (isObject(value)) {
    merged[field] = mergeObject(isObject(present) ? present : {}, value, path)
    return
  }
  const rule = Array.isArray(value) ? listMerge(path) : undefined
  if (rule === undefined || !Array.isArray(value)) {
    merged[field] = value
  } else if (rule === 'set') {
    const list = listOf(present)
    merged[field] = [...list, ...value.filter(item => !list.some(other => jsonEqual(other, item)))]
  } else {
    merged[field] = mergeList(listOf(present), value, rule.by, path)
  }
}

function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  path: readonly string[],
): unknown[] {
  if (patch.some(item => isObject(item) && item.$patch === 'replace')) {
    return patch.filter(item => isObject(item) && item.$patch !== 'replace').map(stripped)
  }
  const merged = [...original]
  for (const item of patch) {
    if (!isObject(item) || item[key] === undefined) {
      throw new StrategicPatchError(
        `map: ${JSON.stringify(item)} does not contain declared merge key: ${key} (in ${path.join('.')})`,
      )
    }
    const index = merged.findIndex(other => isObject(other) && jsonEqual(other[key], item[key]))
    const present = merged[index]
    if (item.$patch === 'delete') {
      if (index >= 0) merged.splice(index, 1)
    } else if (isObject(present)) {
      merged[index] = mergeObject(present, item, path)
    } else {
      merged.push(mergeObject({}, item, path))
    }
  }
  return merged
}

/** Items that the order names come in that order, each other one stays behind the item it followed. */
function putInOrder(
  merged: JsonObject,
  field: string,
  order: readonly unknown[],
  path: readonly string[],
): void {
  const list = merged[field]
  const rule = listMerge([...path, field])
  if (!Array.isArray(list) || rule === undefined) return
  const identity = (item: unknown) => identityOf(item, rule)
  const places = order.map(identity)
  const named = list.filter(item => places.some(place => jsonEqual(place, identity(item))))
  named.sort((a, b) => placeOf(places, identity(a)) - placeOf(places, identity(b)))
  const others = list.filter(item => !named.includes(item))
  merged[field] = weave(list, named, others)
}

function weave(before: readonly unknown[], named: readonly unknown[], others: readonly unknown[]): unknown[] {
  const woven = [...named]
  for (const item of others) {
    const earlier = before.slice(0, before.indexOf(item)).reverse()
    const anchor = earlier.find(candidate => woven.includes(candidate))
    woven.splice(anchor === undefined ? 0 : woven.indexOf(anchor) + 1, 0, item)
  }
  return woven
}

function identityOf(item: unknown, rule: ListMerge): unknown {
  return rule !== 'set' && isObject(item) ? item[rule.by] : item
}

function placeOf(places: readonly unknown[], identity: unknown): number {
  return places.findIndex(place => jsonEqual(place, identity))
}

function stripped(item: unknown): unknown {
  return isObject(item) ? withoutDirectives(item) : item
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !field.startsWith('$')))
}
