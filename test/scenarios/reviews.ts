/** How often the webhook was asked, by its own metrics. */
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Canaryhook } from '../../src/sandbox/processes.ts'

/** The webhook's own count, which does not know namespaces. */
export function countReviews(canaryhook: Canaryhook): Promise<number> {
  const options = { port: canaryhook.webhook.port, path: '/metrics', rejectUnauthorized: false }
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', ...options }, response => {
      text(response).then(metrics => {
        const counts = [...metrics.matchAll(/^canaryhook_admissions_total\S* (\d+)$/gm)]
        resolve(counts.reduce((sum, [, count]) => sum + Number(count), 0))
      }, reject)
    })
    request.on('error', reject)
  })
}
