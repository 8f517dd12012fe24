import { unsupportedMediaType } from '../status.ts'

export function isProtobuf(contentType: string): boolean {
  return contentType.startsWith('application/vnd.kubernetes.protobuf')
}

export function readProtobuf(_body: Buffer): unknown {
  throw unsupportedMediaType('protobuf is not read yet')
}
