import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startTraffic } from '../../src/demo/traffic.ts'

const options = { namespace: 'default', service: 'shop', port: 80, interval: 2, most: 3 }
type Answer = { status: number; body: string; headers: Record<string, string> }

test('every request becomes a sample: an answer, an error, or none', async () => {
  const answers: (Answer | undefined)[] = [
    { status: 200, body: 'v1\n', headers: { 'x-version': 'v1' } },
    { status: 500, body: 'v2 failed\n', headers: { 'x-version': 'v2' } },
    undefined,
  ]
  let next = 0
  const traffic = startTraffic(
    {
      fetch: async () => {
        const answer = answers[next++ % answers.length]
        if (answer) return answer
        throw new Error('connection refused')
      },
    },
    options,
  )
  while (traffic.samples.length < 3) await sleep(2)
  await traffic.stop()
  expect(traffic.samples.slice(0, 3)).toEqual([
    { at: expect.any(Number), version: 'v1', ok: true },
    { at: expect.any(Number), version: 'v2', ok: false },
    { at: expect.any(Number), ok: false },
  ])
})

test('never more requests are on their way than allowed, and stop waits for them', async () => {
  const pending: ((answer: Answer) => void)[] = []
  const traffic = startTraffic({ fetch: () => new Promise(resolve => pending.push(resolve)) }, options)
  while (pending.length < 3) await sleep(2)
  await sleep(30)
  expect(pending).toHaveLength(3)
  const stopped = traffic.stop()
  for (const answer of pending) answer({ status: 200, body: 'v1', headers: {} })
  await stopped
  expect(traffic.samples).toHaveLength(3)
})
