/** The protobuf wire format: the fields of one message, undecoded (protobuf.dev/programming-guides/encoding). */
import { badRequest } from '../status.ts'

export interface Field {
  readonly number: number
  /** A varint as a signed number, anything with a length as its bytes. */
  readonly value: number | Buffer
}

/**
 * Splits a message into its fields.
 * @throws StatusError 400 when the bytes are not a message
 */
export function readFields(message: Buffer): readonly Field[] {
  const fields: Field[] = []
  let offset = 0

  function varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[offset++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw broken()
  }

  function bytes(length: number): Buffer {
    if (length < 0 || offset + length > message.length) throw broken()
    offset += length
    return message.subarray(offset - length, offset)
  }

  while (offset < message.length) {
    const tag = Number(varint())
    const number = tag >>> 3
    switch (tag & 7) {
      case 0:
        fields.push({ number, value: Number(varint()) })
        break
      case 1:
        bytes(8)
        break
      case 2:
        fields.push({ number, value: bytes(Number(varint())) })
        break
      case 5:
        bytes(4)
        break
      default:
        throw broken()
    }
  }
  return fields
}

function broken(): Error {
  return badRequest('the body is not a protobuf message')
}
