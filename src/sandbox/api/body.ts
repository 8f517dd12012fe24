/** Reads the body of a request: JSON, YAML, or the protobuf that kubectl sends for some creates. */
import { parse } from 'yaml'
import { messageOf } from '../../core/errors.ts'
import { isProtobuf, readProtobuf } from './protobuf/envelope.ts'
import type { ResourceRequest } from './request.ts'
import { badRequest, unsupportedMediaType } from './status.ts'

const JSON_TYPES = [
  '',
  'application/json',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
]

/**
 * The value of the body, undefined when there is none.
 * @throws StatusError 400 when it cannot be read, 415 for a type that is not served
 */
export function readBody({ body, contentType }: Pick<ResourceRequest, 'body' | 'contentType'>): unknown {
  if (body.length === 0) return undefined
  if (isProtobuf(contentType)) return readProtobuf(body)
  if (contentType === 'application/yaml') return readYaml(body.toString())
  if (!JSON_TYPES.includes(contentType)) {
    throw unsupportedMediaType(
      `the body of the request was in an unknown format (${contentType}) - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf`,
    )
  }
  try {
    return JSON.parse(body.toString())
  } catch (error) {
    throw badRequest(`the body is not JSON: ${messageOf(error)}`)
  }
}

function readYaml(text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw badRequest(`the body is not YAML: ${messageOf(error)}`)
  }
}
