import { expect, test } from 'vitest'
import { readProtobuf } from '../../../../src/sandbox/api/protobuf/envelope.ts'

/** One field with a length: a string, bytes or a message. */
function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])
}

function count(number: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([number << 3]), varint(value)])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest >>>= 7
  }
  return Buffer.from([...bytes, rest])
}

function envelope(apiVersion: string, kind: string, ...raw: Buffer[]): Buffer {
  const typeMeta = Buffer.concat([field(1, apiVersion), field(2, kind)])
  return Buffer.concat([Buffer.from('k8s\0'), field(1, typeMeta), field(2, Buffer.concat(raw))])
}

const metadata = (name: string) =>
  field(1, Buffer.concat([field(1, name), field(2, ''), field(11, entry('app', 'web'))]))
const entry = (key: string, value: string | Buffer) => Buffer.concat([field(1, key), field(2, value)])

test('reads a Namespace', () => {
  expect(readProtobuf(envelope('v1', 'Namespace', metadata('shop')))).toEqual({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { app: 'web' } },
  })
})

test('reads a Deployment with its containers, and 0 replicas as 0', () => {
  const container = Buffer.concat([
    field(1, 'web'),
    field(2, 'web:v1'),
    field(3, 'a'),
    field(3, 'b'),
    field(6, count(3, 8080)),
  ])
  const template = field(2, field(2, container))
  const spec = Buffer.concat([
    count(1, 0),
    field(2, field(1, entry('app', 'web'))),
    field(3, template),
    count(5, 0),
    count(7, 0),
  ])
  expect(readProtobuf(envelope('apps/v1', 'Deployment', metadata('web'), field(2, spec)))).toMatchObject({
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: {
        spec: {
          containers: [
            { name: 'web', image: 'web:v1', command: ['a', 'b'], ports: [{ containerPort: 8080 }] },
          ],
        },
      },
    },
  })
})

test('reads a Service whose target port is a name or a number', () => {
  const byName = Buffer.concat([
    count(3, 80),
    field(4, Buffer.concat([count(1, 1), field(3, 'http')])),
    count(5, 0),
  ])
  const byNumber = Buffer.concat([count(3, 300), field(4, Buffer.concat([count(1, 0), count(2, 8080)]))])
  const spec = Buffer.concat([field(1, byName), field(1, byNumber), field(2, entry('app', 'web'))])
  const service = readProtobuf(envelope('v1', 'Service', metadata('web'), field(2, spec)))
  expect(service.spec).toEqual({
    ports: [
      { port: 80, targetPort: 'http' },
      { port: 300, targetPort: 8080 },
    ],
    selector: { app: 'web' },
  })
})

test('reads the bytes of a Secret as base64', () => {
  const secret = readProtobuf(envelope('v1', 'Secret', metadata('s'), field(2, entry('key', 'value'))))
  expect(secret.data).toEqual({ key: Buffer.from('value').toString('base64') })
})

test('says what to do with a kind that it does not know', () => {
  expect(() => readProtobuf(envelope('policy/v1', 'Eviction', metadata('x')))).toThrow(
    /policy\/v1 Eviction .*dry-run=client/,
  )
})

test.each([
  ['something else', Buffer.from('{}')],
  ['a message that is cut', envelope('v1', 'Namespace', metadata('shop')).subarray(0, 20)],
])('refuses %s as a bad request', (_sentence, body) => {
  expect(() => readProtobuf(body)).toThrow(expect.objectContaining({ status: 400 }))
})
