import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { measureEventLoop } from '../../src/controller/event-loop.ts'

test('tells of the longest time that nothing else could happen', async () => {
  const register = new Registry()
  const end = measureEventLoop(register)
  const pause = () => new Promise(resolve => setTimeout(resolve, 50))
  await pause()
  const until = performance.now() + 300
  while (performance.now() < until) Math.sqrt(until)
  await pause()
  const [metric] = (await register.getMetricsAsJSON()) as { name: string; values: { value: number }[] }[]
  expect(metric?.name).toBe('canaryhook_event_loop_block_seconds')
  expect(metric?.values[0]?.value).toBeGreaterThan(0.25)
  end()
})
