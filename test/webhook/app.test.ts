import { Writable } from 'node:stream'
import { pino } from 'pino'
import supertest from 'supertest'
import { beforeEach, expect, test } from 'vitest'
import type { AdmissionAnswer } from '../../src/core/kubernetes.ts'
import { type Admit, createApp } from '../../src/webhook/app.ts'
import { createWebhookMetrics } from '../../src/webhook/metrics.ts'
import { reviewOf, shop } from './review-fixture.ts'

const paused: AdmissionAnswer = {
  allowed: true,
  patch: [{ op: 'add', path: '/spec/paused', value: true }],
  warnings: ['canary 10% -> full'],
}

let admit: Admit
let notReady: string
let logged: Record<string, unknown>[]

beforeEach(() => {
  admit = () => paused
  notReady = ''
  logged = []
})

function app() {
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(JSON.parse(chunk.toString()) as Record<string, unknown>)
      done()
    },
  })
  const log = pino({ level: 'debug' }, lines)
  return supertest(
    createApp({
      admit: request => admit(request),
      log,
      metrics: createWebhookMetrics(),
      notReady: () => notReady,
    }),
  )
}

test('an update gets the patch and the warnings, under its uid', async () => {
  const answer = await app().post('/mutate?timeout=5s').send(reviewOf()).expect(200)
  expect(answer.type).toBe('application/json')
  expect(answer.body).toEqual({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid: 'review-1',
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(paused.patch)).toString('base64'),
      warnings: ['canary 10% -> full'],
    },
  })
})

test('admit sees the request as it came, dry run included', async () => {
  let seen: unknown
  admit = request => {
    seen = request
    return paused
  }
  await app()
    .post('/mutate')
    .send(reviewOf({ dryRun: true }))
    .expect(200)
  expect(seen).toMatchObject({ dryRun: true, userInfo: { username: 'alice' }, object: shop, oldObject: shop })
})

test('a denial is a 200 whose review says no', async () => {
  admit = () => ({ allowed: false, message: 'canaryhook.dev/steps: 2 errors', warnings: [] })
  const answer = await app().post('/mutate').send(reviewOf()).expect(200)
  expect(answer.body).toMatchObject({
    response: { allowed: false, status: { code: 403, message: 'canaryhook.dev/steps: 2 errors' } },
  })
  expect(logged).toContainEqual(expect.objectContaining({ msg: 'denied', name: 'shop', user: 'alice' }))
})

test('what is not a Deployment is allowed, and admit is not asked', async () => {
  admit = () => {
    throw new Error('asked')
  }
  const kind = { group: '', version: 'v1', kind: 'Pod' }
  const answer = await app().post('/mutate').send(reviewOf({ kind })).expect(200)
  expect(answer.body).toMatchObject({ response: { uid: 'review-1', allowed: true } })
})

test('an exception in admit is a 500 with its reason, and is logged', async () => {
  admit = () => {
    throw new Error('state of the future')
  }
  const answer = await app().post('/mutate').send(reviewOf()).expect(500)
  expect(answer.body).toEqual({
    apiVersion: 'v1',
    kind: 'Status',
    status: 'Failure',
    code: 500,
    reason: 'InternalError',
    message: 'canaryhook could not judge the Deployment default/shop: state of the future',
  })
  expect(logged).toContainEqual(
    expect.objectContaining({
      msg: 'admission failed',
      err: expect.objectContaining({ message: 'state of the future' }),
    }),
  )
})

test.each<[string, number, string, string, string | object]>([
  ['a body that is not JSON', 400, 'application/json', 'not JSON', '{"apiVersion"'],
  ['an empty body', 400, 'application/json', 'not JSON', ''],
  ['another object', 400, 'application/json', 'kind is "Pod"', { apiVersion: 'v1', kind: 'Pod' }],
  ['another content type', 415, 'application/yaml', 'expected application/json', 'kind: AdmissionReview'],
])(
  '%s is answered with %i and a Status that says what was expected',
  async (_what, code, type, message, body) => {
    const answer = await app().post('/mutate').set('content-type', type).send(body).expect(code)
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', code })
    expect(answer.body).toHaveProperty('message', expect.stringContaining(message))
    expect(answer.body).toHaveProperty('message', expect.stringContaining('expected'))
  },
)

test('a charset beside the content type is fine', async () => {
  const type = 'application/json; charset=utf-8'
  await app().post('/mutate').set('content-type', type).send(JSON.stringify(reviewOf())).expect(200)
})

test('a body of 4 MB is read, a larger one is answered with 413', async () => {
  const limit = 4 * 1024 * 1024
  const review = JSON.stringify(reviewOf())
  const send = (size: number) =>
    app().post('/mutate').set('content-type', 'application/json').send(review.padEnd(size, ' '))
  await send(limit).expect(200)
  const answer = await send(limit + 1).expect(413)
  expect(answer.body).toMatchObject({ kind: 'Status', code: 413, reason: 'RequestEntityTooLarge' })
})

test('another method is answered with 405 and says which is expected', async () => {
  const answer = await app().get('/mutate').expect(405).expect('allow', 'POST')
  expect(answer.body).toMatchObject({ kind: 'Status', message: expect.stringContaining('expected POST') })
})

test('another path is answered with 404 and says which there are', async () => {
  const answer = await app().post('/mutat').send({}).expect(404)
  expect(answer.body).toMatchObject({ kind: 'Status', message: expect.stringContaining('/mutate') })
})

test('healthz is always fine, readyz says why it is not', async () => {
  const client = app()
  await client.get('/readyz').expect(200, 'ok\n')
  notReady = 'stopping'
  await client.get('/readyz').expect(503, 'stopping\n')
  await client.get('/healthz').expect(200, 'ok\n')
})

test('metrics count admissions by result', async () => {
  const client = app()
  await client.post('/mutate').send(reviewOf())
  admit = () => ({ allowed: false, message: 'no', warnings: [] })
  await client.post('/mutate').send(reviewOf())
  await client.post('/mutate').send(reviewOf())
  await client.post('/mutate').send({})
  const { text } = await client.get('/metrics').expect(200)
  expect(text).toContain('canaryhook_admissions_total{result="patched"} 1')
  expect(text).toContain('canaryhook_admissions_total{result="denied"} 2')
  expect(text).toContain('canaryhook_admissions_total{result="malformed"} 1')
  expect(text).toContain('canaryhook_admission_duration_seconds_count 4')
})
