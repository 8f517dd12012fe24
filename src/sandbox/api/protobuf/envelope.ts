/** Protobuf bodies (application/vnd.kubernetes.protobuf), which kubectl 1.31 and later sends for its create commands. */
import type { JsonObject } from '../json.ts'
import { badRequest, unsupportedMediaType } from '../status.ts'
import { type FieldType, MESSAGES, type Message } from './messages.ts'
import { type Field, readFields } from './wire.ts'

export function isProtobuf(contentType: string): boolean {
  return contentType.startsWith('application/vnd.kubernetes.protobuf')
}

const MAGIC = Buffer.from('k8s\0')

/** runtime.Unknown, which wraps every object. */
const UNKNOWN: Message = {
  1: ['typeMeta', { message: { 1: ['apiVersion', 'string'], 2: ['kind', 'string'] } }],
  2: ['raw', 'bytes'],
}

/**
 * The object in a protobuf body, as it would come in JSON.
 * @throws StatusError 400 for a body that is not one, 415 for a kind that is not known here
 */
export function readProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest('the body does not start as a Kubernetes protobuf does')
  }
  const { typeMeta, raw } = readMessage(UNKNOWN, body.subarray(MAGIC.length)) as {
    typeMeta?: { apiVersion?: string; kind?: string }
    raw?: string
  }
  const { apiVersion = '', kind = '' } = typeMeta ?? {}
  const message = MESSAGES[`${apiVersion} ${kind}`]
  if (message === undefined) {
    throw unsupportedMediaType(
      `the sandbox does not read ${apiVersion} ${kind} in protobuf; send JSON: kubectl create … --dry-run=client -o yaml | kubectl apply -f -`,
    )
  }
  return { apiVersion, kind, ...readMessage(message, Buffer.from(raw ?? '', 'base64')) }
}

function readMessage(message: Message, bytes: Buffer): JsonObject {
  const object: JsonObject = {}
  for (const field of readFields(bytes)) {
    const known = message[field.number]
    if (known === undefined) continue
    const [name, type] = known
    const value = readValue(type, field, object[name])
    if (!isUnset(type, value)) object[name] = value
  }
  return object
}

/** Go sends the zero values of fields that are not pointers; in JSON they are left out. */
function isUnset(type: FieldType, value: unknown): boolean {
  if (value === '' || value === false || (type === 'count' && value === 0)) return true
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  )
}

/** @param before the value of an earlier field of that number, for lists and maps */
function readValue(type: FieldType, field: Field, before: unknown): unknown {
  if (typeof type === 'object') {
    if ('message' in type) return readMessage(type.message, bytesOf(field))
    if ('list' in type)
      return [...(Array.isArray(before) ? before : []), readValue(type.list, field, undefined)]
    return { ...(before as JsonObject | undefined), ...readEntry(type.map, bytesOf(field)) }
  }
  switch (type) {
    case 'int':
    case 'count':
      return Number(field.value)
    case 'bool':
      return Number(field.value) !== 0
    case 'string':
      return bytesOf(field).toString()
    case 'bytes':
      return bytesOf(field).toString('base64')
    case 'quantity':
      return readMessage({ 1: ['string', 'string'] }, bytesOf(field)).string ?? '0'
    case 'intOrString':
      return readIntOrString(bytesOf(field))
  }
}

function readEntry(type: FieldType, bytes: Buffer): JsonObject {
  const fields = readFields(bytes)
  const key = fields.find(({ number }) => number === 1)
  const value = fields.find(({ number }) => number === 2)
  const text = key === undefined ? '' : bytesOf(key).toString()
  return { [text]: value === undefined ? '' : readValue(type, value, undefined) }
}

function readIntOrString(bytes: Buffer): unknown {
  const fields = readFields(bytes)
  const value = (number: number) => fields.find(field => field.number === number)?.value
  return value(1) === 1 ? value(3)?.toString() : Number(value(2) ?? 0)
}

function bytesOf({ value }: Field): Buffer {
  if (typeof value === 'number') throw badRequest('the body is not the protobuf message that it says it is')
  return value
}
