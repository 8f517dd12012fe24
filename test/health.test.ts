import { Counter, Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startHealthServer } from '../src/health.ts'

let reason: string
let server: Awaited<ReturnType<typeof startHealthServer>>

beforeEach(async () => {
  reason = ''
  const register = new Registry()
  new Counter({ name: 'releases_total', help: 'x', registers: [register] }).inc()
  server = await startHealthServer(0, { notReady: () => reason, register })
})

afterEach(async () => {
  await server.stop()
})

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://localhost:${server.port}${path}`)
  return { status: response.status, text: await response.text() }
}

test('readyz says why the process is not ready, and healthz is fine all the same', async () => {
  expect(await get('/readyz')).toEqual({ status: 200, text: 'ok\n' })
  reason = 'the first list is not complete yet'
  expect(await get('/readyz?verbose')).toEqual({ status: 503, text: 'the first list is not complete yet\n' })
  expect(await get('/healthz')).toEqual({ status: 200, text: 'ok\n' })
})

test('metrics are those of the registry', async () => {
  const { status, text } = await get('/metrics')
  expect(status).toBe(200)
  expect(text).toContain('releases_total 1')
})

test('another path is not found, and says what there is', async () => {
  expect(await get('/')).toEqual({ status: 404, text: 'not found; try /healthz, /readyz, /metrics\n' })
})
