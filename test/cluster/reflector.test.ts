import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Change, Cluster, Watching, WatchOptions } from '../../src/cluster/port.ts'
import { deployments } from '../../src/cluster/resources.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'
import {
  type Asked,
  deployment,
  type FakeApiServer,
  failure,
  page,
  startFakeApiServer,
  watchWith,
} from './fake-api-server.ts'

const shop = { namespace: 'default', name: 'shop' }
const TICK = { interval: 5, timeout: 5_000 }

let server: FakeApiServer
let cluster: Cluster
let heard: string[]

beforeEach(async () => {
  server = await startFakeApiServer()
  cluster = await server.connect({ reflector: { pageSize: 2, silence: 400 } })
  heard = []
})

afterEach(async () => {
  await server.stop()
})

function start(options: WatchOptions<Deployment> = {}): Watching<Deployment> {
  return cluster.watch(deployments, options, (change: Change<Deployment>) => {
    heard.push(`${change.type} ${change.object.metadata.name}@${change.object.metadata.resourceVersion}`)
  })
}

/** Answers lists and watches each by its own row of handlers; the last one of a row stays. */
function script(rows: {
  lists: ((response: ServerResponse, asked: Asked) => void)[]
  watches: ((response: ServerResponse, asked: Asked) => void)[]
}): void {
  server.handle = (asked, response) => {
    const row = asked.query.get('watch') === 'true' ? rows.watches : rows.lists
    const handler = row.length > 1 ? row.shift() : row[0]
    handler?.(response, asked)
  }
}

const lists = () => server.asked.filter(asked => !asked.query.has('watch'))
const watches = () => server.asked.filter(asked => asked.query.has('watch'))
const quiet = (response: ServerResponse) => watchWith(response)
const heardAll = (...expected: string[]) => vi.waitFor(() => expect(heard).toEqual(expected), TICK)

test('reads the list in pages, then watches from the version of the list', async () => {
  script({
    lists: [
      response => page(response, 10, [deployment('a', 1), deployment('b', 2)], 'next'),
      response => page(response, 10, [deployment('c', 3)]),
    ],
    watches: [quiet],
  })
  const watching = start()
  expect(watching.isSynced).toBe(false)
  await watching.synced
  expect(watching.isSynced).toBe(true)
  expect(heard).toEqual(['set a@1', 'set b@2', 'set c@3'])
  await vi.waitFor(() => expect(watches()).toHaveLength(1), TICK)
  expect(lists().map(asked => asked.query.toString())).toEqual(['limit=2', 'limit=2&continue=next'])
  const query = watches()[0]?.query
  expect(query?.get('resourceVersion')).toBe('10')
  expect(query?.get('allowWatchBookmarks')).toBe('true')
  expect(Number(query?.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300)
  expect(Number(query?.get('timeoutSeconds'))).toBeLessThanOrEqual(600)
})

test('asks for the namespace and the labels it was given', async () => {
  script({ lists: [response => page(response, 10, [])], watches: [quiet] })
  await start({ namespace: 'default', labelSelector: 'app=shop' }).synced
  await vi.waitFor(() => expect(watches()).toHaveLength(1), TICK)
  for (const asked of server.asked) {
    expect(asked.path).toBe('/apis/apps/v1/namespaces/default/deployments')
    expect(asked.query.get('labelSelector')).toBe('app=shop')
  }
})

test('reports what the watch says', async () => {
  script({
    lists: [response => page(response, 10, [deployment('shop', 3)])],
    watches: [
      response =>
        watchWith(
          response,
          ['MODIFIED', deployment('shop', 11)],
          ['ADDED', deployment('cart', 12)],
          ['DELETED', deployment('shop', 13)],
        ),
    ],
  })
  const watching = start()
  await heardAll('set shop@3', 'set shop@11', 'set cart@12', 'gone shop@11')
  expect(watching.get(shop)).toBeUndefined()
  expect(watching.list().map(object => object.metadata.name)).toEqual(['cart'])
})

test('a watch that ends after a bookmark goes on from the bookmark, without a new list', async () => {
  script({
    lists: [response => page(response, 10, [])],
    watches: [
      response => {
        watchWith(response, ['BOOKMARK', { metadata: { resourceVersion: '50' } }])
        response.end()
      },
      quiet,
    ],
  })
  start()
  await vi.waitFor(() => expect(watches()).toHaveLength(2), TICK)
  expect(watches()[1]?.query.get('resourceVersion')).toBe('50')
  expect(lists()).toHaveLength(1)
})

test('a connection that drops in the middle of a line loses no event and repeats none', async () => {
  const whole = `${JSON.stringify({ type: 'MODIFIED', object: deployment('shop', 12) })}\n`
  script({
    lists: [response => page(response, 10, [deployment('shop', 3)])],
    watches: [
      response => {
        watchWith(response, ['MODIFIED', deployment('shop', 11)])
        response.write(whole.slice(0, 30), () => response.destroy())
      },
      response => response.writeHead(200).write(whole),
    ],
  })
  start()
  await heardAll('set shop@3', 'set shop@11', 'set shop@12')
  expect(watches()[1]?.query.get('resourceVersion')).toBe('11')
  expect(lists()).toHaveLength(1)
})

test.each<[string, (response: ServerResponse) => void]>([
  ['as a status', response => failure(response, 410, 'Expired', 'too old resource version: 10 (99)')],
  [
    'as an event',
    response =>
      watchWith(response, ['ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }]),
  ],
  [
    'as a version that the server has not reached',
    response => failure(response, 504, 'Timeout', 'Too large resource version: 10, current: 5'),
  ],
])(
  'an expired version, told %s, leads to a new list, which reports only differences',
  async (_how, expired) => {
    script({
      lists: [
        response => page(response, 10, [deployment('shop', 3), deployment('old', 4)]),
        response => page(response, 100, [deployment('shop', 3), deployment('new', 99)]),
      ],
      watches: [expired, quiet],
    })
    start()
    await heardAll('set shop@3', 'set old@4', 'set new@99', 'gone old@4')
    await vi.waitFor(() => expect(watches()).toHaveLength(2), TICK)
    expect(watches()[1]?.query.get('resourceVersion')).toBe('100')
  },
)

test('a list that fails is repeated until it works', async () => {
  script({
    lists: [
      response => failure(response, 500, 'InternalError', 'etcdserver: no leader'),
      response => response.destroy(),
      response => page(response, 10, [deployment('shop', 3)]),
    ],
    watches: [quiet],
  })
  await start().synced
  expect(heard).toEqual(['set shop@3'])
  expect(lists()).toHaveLength(3)
})

test('a list whose second page has expired begins again, and nothing is reported twice', async () => {
  script({
    lists: [
      response => page(response, 10, [deployment('a', 1), deployment('b', 2)], 'next'),
      response => failure(response, 410, 'Expired', 'the provided continue parameter is too old'),
      response => page(response, 20, [deployment('a', 1), deployment('b', 12)]),
    ],
    watches: [quiet],
  })
  await start().synced
  expect(heard).toEqual(['set a@1', 'set b@2', 'set b@12'])
})

test('waits as long as a server under load asks', async () => {
  let refusedAt = 0
  script({
    lists: [
      response => {
        refusedAt = performance.now()
        response.setHeader('retry-after', '1')
        failure(response, 429, 'TooManyRequests', 'slow down')
      },
      response => page(response, 10, []),
    ],
    watches: [quiet],
  })
  await start().synced
  expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(995)
})

test('a watch that says nothing for too long is given up and begun again', async () => {
  script({ lists: [response => page(response, 10, [])], watches: [quiet] })
  start()
  await vi.waitFor(() => expect(watches().length).toBeGreaterThanOrEqual(2), TICK)
  expect(lists()).toHaveLength(1)
})

test('a line that is not JSON ends the watch, and it goes on from the last good event', async () => {
  script({
    lists: [response => page(response, 10, [])],
    watches: [
      response => {
        watchWith(response, ['ADDED', deployment('shop', 11)])
        response.write('<html>\n')
      },
      quiet,
    ],
  })
  start()
  await vi.waitFor(() => expect(watches()).toHaveLength(2), TICK)
  expect(watches()[1]?.query.get('resourceVersion')).toBe('11')
  expect(heard).toEqual(['set shop@11'])
})

const changeAndDeletion: [string, unknown][] = [
  ['MODIFIED', deployment('shop', 11)],
  ['DELETED', deployment('shop', 12)],
]
const bookmark = (version: string): [string, unknown] => [
  'BOOKMARK',
  { metadata: { resourceVersion: version } },
]

test.each([
  ['a change and the deletion after it', changeAndDeletion],
  ['a bookmark and all that came after it', [bookmark('10'), ...changeAndDeletion]],
  ['a bookmark after each of them', changeAndDeletion.flatMap((event, n) => [event, bookmark(`${11 + n}`)])],
  ['a bookmark alone', [bookmark('10')]],
])(
  'a watch may tell again %s: nothing comes back, and the next one goes on from the newest',
  async (_, again) => {
    script({
      lists: [response => page(response, 10, [deployment('shop', 3)])],
      watches: [
        response => {
          watchWith(response, ...changeAndDeletion)
          response.end()
        },
        response => {
          watchWith(response, ...again)
          response.end()
        },
        response => watchWith(response, ['ADDED', deployment('cart', 13)]),
      ],
    })
    start()
    await heardAll('set shop@3', 'set shop@11', 'gone shop@11', 'set cart@13')
    expect(watches().map(({ query }) => query.get('resourceVersion'))).toEqual(['10', '12', '12'])
  },
)

test('a list that is cut off is asked for again, and what it told is not told twice', async () => {
  script({
    lists: [
      response => {
        const items = [deployment('a', 1), deployment('b', 2)]
        const text = JSON.stringify({ metadata: { resourceVersion: '10' }, items })
        response.writeHead(200).end(text.slice(0, -20))
      },
      response => page(response, 10, [deployment('a', 1), deployment('b', 2)]),
    ],
    watches: [quiet],
  })
  await start().synced
  expect(heard).toEqual(['set a@1', 'set b@2'])
  expect(lists()).toHaveLength(2)
})

test('a page that does not come to its end is given up and asked for again', async () => {
  const impatient = await server.connect({
    reflector: { pageTime: 100, backoff: { first: 1, longest: 1, missingKind: 1 } },
  })
  script({
    lists: [
      response => response.writeHead(200).write('{"metadata":{"resourceVersion":"10"},"items":['),
      response => page(response, 10, [deployment('shop', 3)]),
    ],
    watches: [quiet],
  })
  await impatient.watch(deployments, {}, () => {}).synced
  expect(lists()).toHaveLength(2)
})

test('objects that are kept packed are told, found by their owner and compared like others', async () => {
  const owned = {
    ...deployment('shop', 3),
    metadata: {
      ...deployment('shop', 3).metadata,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Team', name: 'team', uid: 'team-uid', controller: true }],
    },
  }
  script({
    lists: [response => page(response, 10, [owned, deployment('cart', 4)])],
    watches: [
      response =>
        watchWith(response, ['MODIFIED', deployment('cart', 11)], ['DELETED', deployment('shop', 12)]),
    ],
  })
  const watching = start({ packed: true })
  await watching.synced
  expect(watching.ownedBy('nobody')).toEqual([])
  await heardAll('set shop@3', 'set cart@4', 'set cart@11', 'gone shop@3')
  expect(watching.ownedBy('team-uid')).toEqual([])
  expect(watching.get({ namespace: 'default', name: 'cart' })).toEqual(deployment('cart', 11))
})

test('a handler that throws does not stop the watch', async () => {
  script({
    lists: [response => page(response, 10, [deployment('shop', 3)])],
    watches: [response => watchWith(response, ['MODIFIED', deployment('shop', 11)])],
  })
  cluster.watch(deployments, {}, change => {
    heard.push(`${change.object.metadata.resourceVersion}`)
    throw new Error('a bug')
  })
  await heardAll('3', '11')
})

test('the answer to a write is in the cache before the watch tells of it', async () => {
  let watch: ServerResponse | undefined
  script({
    lists: [response => page(response, 10, [deployment('shop', 3)])],
    watches: [
      response => {
        watch = response
        watchWith(response)
      },
    ],
  })
  const watching = start()
  await vi.waitFor(() => expect(watch).toBeDefined(), TICK)
  watching.absorb(deployment('shop', 12))
  expect(watching.get(shop)?.metadata.resourceVersion).toBe('12')
  const event = (type: string, version: number) =>
    watch?.write(`${JSON.stringify({ type, object: deployment('shop', version) })}\n`)
  event('MODIFIED', 11)
  event('MODIFIED', 12)
  watching.forget(shop)
  event('MODIFIED', 13)
  event('DELETED', 14)
  watch?.write(`${JSON.stringify({ type: 'ADDED', object: deployment('cart', 15) })}\n`)
  await heardAll('set shop@3', 'set shop@12', 'gone shop@12', 'set cart@15')
})

test('a kind that need not exist is empty until somebody installs it, and again when somebody takes it away', async () => {
  cluster = await server.connect({ reflector: { backoff: { first: 5, longest: 20, missingKind: 20 } } })
  const unknown = (response: ServerResponse) =>
    failure(response, 404, 'NotFound', 'the server could not find the requested resource')
  script({
    lists: [unknown, unknown, response => page(response, 10, [deployment('shop', 3)]), unknown],
    watches: [response => failure(response, 410, 'Expired', 'too old resource version')],
  })
  const watching = start({ optional: true })
  await watching.synced
  expect(watching.list()).toEqual([])
  await heardAll('set shop@3', 'gone shop@3')
})

test('after stop nothing is asked and nothing is reported', async () => {
  script({ lists: [response => page(response, 10, [])], watches: [quiet] })
  const watching = start()
  await vi.waitFor(() => expect(watches()).toHaveLength(1), TICK)
  watching.stop()
  // Longer than the silence after which it would have come back.
  await new Promise(resolve => setTimeout(resolve, 700))
  expect(server.asked).toHaveLength(2)
  expect(heard).toEqual([])
})
