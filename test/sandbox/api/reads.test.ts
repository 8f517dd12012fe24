import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { at, type JsonObject } from '../../../src/sandbox/api/json.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts'
import { CONFIG_MAPS, configMap, DEPLOYMENTS, deployment, MERGE } from './manifests.ts'
import { Watching } from './watching.ts'

let sandbox: Sandbox
const watches: Watching[] = []
beforeAll(async () => {
  sandbox = await startSandbox()
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    const labels = { letter: name, ...(name < 'c' ? { early: 'yes' } : {}) }
    await sandbox.request('admin', 'POST', CONFIG_MAPS, { body: configMap(name, { metadata: { labels } }) })
  }
})
afterAll(async () => {
  for (const watching of watches) watching.stop()
  await sandbox.stop()
})

const get = (path: string, accept?: string) => sandbox.request('admin', 'GET', path, accept ? { accept } : {})
const names = (list: JsonObject) =>
  (list.items as { metadata: { name: string } }[]).map(item => item.metadata.name)

function watch(path: string): Watching {
  const watching = new Watching(sandbox, path)
  watches.push(watching)
  return watching
}

async function listVersion(path: string): Promise<string> {
  return String(at((await get(path)).body, 'metadata', 'resourceVersion'))
}

test('pages hold what limit says, and together everything once', async () => {
  const first = (await get(`${CONFIG_MAPS}?limit=2`)).body
  expect(names(first)).toEqual(['a', 'b'])
  expect(at(first, 'metadata', 'remainingItemCount')).toBe(3)
  const token = encodeURIComponent(String(at(first, 'metadata', 'continue')))
  const second = (await get(`${CONFIG_MAPS}?limit=2&continue=${token}`)).body
  expect(names(second)).toEqual(['c', 'd'])
  const last = (
    await get(
      `${CONFIG_MAPS}?limit=2&continue=${encodeURIComponent(String(at(second, 'metadata', 'continue')))}`,
    )
  ).body
  expect(names(last)).toEqual(['e'])
  expect(at(last, 'metadata', 'continue')).toBeUndefined()
})

test.each([
  ['labelSelector', 'early=yes', ['a', 'b']],
  ['labelSelector', 'letter in (c,d)', ['c', 'd']],
  ['fieldSelector', 'metadata.name=e', ['e']],
  ['fieldSelector', 'metadata.name!=e,metadata.namespace=default', ['a', 'b', 'c', 'd']],
])('%s=%s selects', async (parameter, selector, expected) => {
  expect(names((await get(`${CONFIG_MAPS}?${parameter}=${encodeURIComponent(selector)}`)).body)).toEqual(
    expected,
  )
})

test.each([
  ['an unknown field', 'fieldSelector=spec.color%3Dred', /field label not supported: spec.color/],
  ['a malformed selector', 'labelSelector=%3D%3D', /unable to parse requirement/],
  ['a foreign continue token', 'limit=1&continue=abc', /continue key is not valid/],
])('%s is a bad request that says what is expected', async (_sentence, query, message) => {
  const { status, body } = await get(`${CONFIG_MAPS}?${query}`)
  expect(status).toBe(400)
  expect(body.message).toMatch(message)
})

test('a watch tells every change after its resource version, within milliseconds', async () => {
  const watching = watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${await listVersion(CONFIG_MAPS)}`)
  await sandbox.request('admin', 'POST', CONFIG_MAPS, { body: configMap('watched') })
  await sandbox.request('admin', 'PATCH', `${CONFIG_MAPS}/watched`, {
    body: { data: { x: 'y' } },
    contentType: MERGE,
  })
  const asked = performance.now()
  await sandbox.request('admin', 'DELETE', `${CONFIG_MAPS}/watched`)
  const deleted = await watching.event(event => event.type === 'DELETED')
  expect(watching.summary).toEqual(['ADDED watched', 'MODIFIED watched', 'DELETED watched'])
  expect(deleted.at - asked).toBeLessThan(500)
  const versions = watching.events.map(event => Number(event.object.metadata?.resourceVersion))
  expect(versions).toEqual(versions.toSorted((a, b) => a - b))
})

test('a watch without a resource version begins with what is there', async () => {
  const watching = watch(`${CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Da`)
  await watching.event(event => event.type === 'ADDED')
  expect(watching.summary).toEqual(['ADDED a'])
})

test('an object that stops matching the selector looks deleted, one that starts looks added', async () => {
  const version = await listVersion(CONFIG_MAPS)
  const watching = watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${version}&labelSelector=colour%3Dred`)
  const paint = (colour: string | null) =>
    sandbox.request('admin', 'PATCH', `${CONFIG_MAPS}/c`, {
      body: { metadata: { labels: { colour } } },
      contentType: MERGE,
    })
  await paint('red')
  await paint('blue')
  await paint(null)
  await watching.event(event => event.type === 'DELETED')
  expect(watching.summary).toEqual(['ADDED c', 'DELETED c'])
})

test('a watch from before the compaction gets 410 as an event, and ends', async () => {
  const version = await listVersion(CONFIG_MAPS)
  await sandbox.request('admin', 'PATCH', `${CONFIG_MAPS}/d`, {
    body: { data: { x: 'y' } },
    contentType: MERGE,
  })
  sandbox.compact()
  const watching = watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${version}`)
  const error = await watching.event(event => event.type === 'ERROR')
  expect(error.object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' })
  await watching.ended
})

test('a watch ends after timeoutSeconds, and sends the initial events with a bookmark when asked', async () => {
  const query =
    'watch=true&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
  const watching = watch(`${CONFIG_MAPS}?${query}`)
  const bookmark = await watching.event(event => event.type === 'BOOKMARK')
  expect(bookmark.object.metadata?.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
  await watching.ended
})

test('a Table has the columns that kubectl prints', async () => {
  await sandbox.request('admin', 'POST', DEPLOYMENTS, {
    body: deployment('tabled', { spec: { replicas: 1 } }),
  })
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  await vi.waitFor(
    async () => {
      const { body } = await get(DEPLOYMENTS, accept)
      expect(body.kind).toBe('Table')
      const columns = (body.columnDefinitions as { name: string }[]).map(column => column.name)
      expect(columns).toEqual([
        'Name',
        'Ready',
        'Up-to-date',
        'Available',
        'Age',
        'Containers',
        'Images',
        'Selector',
      ])
      const [row] = body.rows as { cells: unknown[] }[]
      expect(row?.cells.slice(0, 4)).toEqual(['tabled', '1/1', 1, 1])
    },
    { timeout: 10_000 },
  )
})

test.each([
  ['no token', 401, undefined],
  ['an unknown token', 401, 'Bearer nobody'],
])('%s is %d', async (_sentence, status, authorization) => {
  const { request } = await import('node:https')
  const answered = await new Promise<number | undefined>((resolve, reject) => {
    const headers = authorization ? { Authorization: authorization } : {}
    request(`${sandbox.url}/api/v1/pods`, { ca: sandbox.caCertificate, headers }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  expect(answered).toBe(status)
})

test.each(['/apis/nothing.example/v1/things', '/api/v2', '/api/v1/namespaces/default/pods/a/b/c', '/what'])(
  '%s is not served',
  async path => {
    const { status, body } = await get(path)
    expect(status).toBe(404)
    expect(body.message).toBe('the server could not find the requested resource')
  },
)
