import { expect, test } from 'vitest'
import { type Cache, createCache } from '../../../src/cluster/cache/cache.ts'
import type { Change } from '../../../src/cluster/port.ts'
import type { Deployment } from '../../../src/core/kubernetes.ts'
import { deployment } from '../fake-api-server.ts'

/** Says what happened as `set shop@5` and `gone shop@5`. */
function watched(options: { keep?: (object: Deployment) => boolean } = {}) {
  const heard: string[] = []
  const cache = createCache<Deployment>(options, (change: Change<Deployment>) => {
    const { name, resourceVersion } = change.object.metadata
    heard.push(`${change.type} ${name}@${resourceVersion}`)
  })
  return { cache, heard }
}

function list(cache: Cache<Deployment>, version: number, ...objects: Deployment[]): void {
  cache.listBegins()
  for (const object of objects) cache.listed(object, String(version))
  cache.listEnds(String(version))
}

const shop = { namespace: 'default', name: 'shop' }

test('a first list reports every object', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3), deployment('cart', 4))
  expect(heard).toEqual(['set shop@3', 'set cart@4'])
  expect(cache.get(shop)?.metadata.resourceVersion).toBe('3')
  expect(cache.list()).toHaveLength(2)
})

test('a relist reports only differences', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3), deployment('cart', 4), deployment('old', 5))
  heard.length = 0
  list(cache, 20, deployment('shop', 3), deployment('cart', 14), deployment('new', 15))
  expect(heard).toEqual(['set cart@14', 'set new@15', 'gone old@5'])
})

test('a change tells what was there before', () => {
  const changes: Change<Deployment>[] = []
  const cache = createCache<Deployment>({}, change => changes.push(change))
  const [before, after] = [deployment('shop', 3), deployment('shop', 4)]
  cache.changed(before)
  cache.changed(after)
  expect(changes).toEqual([
    { type: 'set', object: before, previous: undefined },
    { type: 'set', object: after, previous: before },
  ])
})

test('an object that is not kept is not there, and one that stops being kept is gone', () => {
  const { cache, heard } = watched({ keep: object => object.metadata.labels?.app === 'shop' })
  list(cache, 10, deployment('shop', 3), deployment('other', 4, { app: 'other' }))
  cache.changed(deployment('shop', 11, { app: 'other' }))
  expect(heard).toEqual(['set shop@3', 'gone shop@3'])
  expect(cache.list()).toEqual([])
})

test('an object that is no longer kept in a relist is gone', () => {
  const { cache, heard } = watched({ keep: object => object.metadata.labels?.app === 'shop' })
  list(cache, 10, deployment('shop', 3))
  list(cache, 20, deployment('shop', 11, { app: 'other' }))
  expect(heard).toEqual(['set shop@3', 'gone shop@3'])
})

test('slim takes away before an object is cached', () => {
  const slim = (object: Deployment) => ({ ...object, metadata: { ...object.metadata, labels: {} } })
  const cache = createCache<Deployment>({ slim }, () => {})
  cache.changed(deployment('shop', 3))
  expect(cache.get(shop)?.metadata.labels).toEqual({})
})

test('absorb puts a newer object in, and the event that follows is no news', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  cache.absorb(deployment('shop', 12))
  cache.changed(deployment('shop', 12))
  expect(heard).toEqual(['set shop@3', 'set shop@12'])
})

test('an event that is older than what was absorbed does not put the older object back', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  cache.absorb(deployment('shop', 12))
  cache.changed(deployment('shop', 11))
  expect(heard).toEqual(['set shop@3', 'set shop@12'])
  expect(cache.get(shop)?.metadata.resourceVersion).toBe('12')
})

test('versions are compared as numbers of any size, not as texts', () => {
  const { cache } = watched()
  cache.changed(deployment('shop', 9))
  cache.changed(deployment('shop', 10))
  expect(cache.get(shop)?.metadata.resourceVersion).toBe('10')
  const [large, larger] = ['9007199254740993', '9007199254740994']
  const at = (resourceVersion: string): Deployment => {
    const object = deployment('shop', 0)
    return { ...object, metadata: { ...object.metadata, resourceVersion } }
  }
  cache.changed(at(larger))
  cache.changed(at(large))
  expect(cache.get(shop)?.metadata.resourceVersion).toBe(larger)
})

test('an answer that comes after the watch has seen the object deleted does not bring it back', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  cache.deleted(deployment('shop', 13))
  cache.absorb(deployment('shop', 12))
  expect(heard).toEqual(['set shop@3', 'gone shop@3'])
})

test('an answer that comes after a bookmark beyond it has nothing to say', () => {
  const { cache, heard } = watched()
  list(cache, 10)
  cache.reached('15')
  cache.absorb(deployment('shop', 14))
  expect(heard).toEqual([])
})

test('an answer that comes after the object stopped being kept does not bring it back', () => {
  const { cache, heard } = watched({ keep: object => object.metadata.labels?.app === 'shop' })
  list(cache, 10, deployment('shop', 3))
  cache.changed(deployment('shop', 13, { app: 'other' }))
  cache.absorb(deployment('shop', 12))
  expect(heard).toEqual(['set shop@3', 'gone shop@3'])
})

test('forget takes the object away at once, and later events of its past do not bring it back', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  cache.forget(shop)
  cache.changed(deployment('shop', 11))
  cache.deleted(deployment('shop', 12))
  expect(heard).toEqual(['set shop@3', 'gone shop@3'])
})

test('after forget, a new object of the same name is taken, and the old one’s deletion does not touch it', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  cache.forget(shop)
  cache.absorb(deployment('shop', 13, { uid: 'second' }))
  cache.changed(deployment('shop', 11))
  cache.deleted(deployment('shop', 12))
  expect(heard).toEqual(['set shop@3', 'gone shop@3', 'set shop@13'])
})

test('a list that begins after forget is believed when it still holds the object', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  cache.forget(shop)
  list(cache, 20, deployment('shop', 11))
  expect(heard).toEqual(['set shop@3', 'gone shop@3', 'set shop@11'])
})

test('a list that was under way when forget came is not believed', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  cache.listBegins()
  cache.forget(shop)
  cache.listed(deployment('shop', 11), '20')
  cache.listEnds('20')
  expect(heard).toEqual(['set shop@3', 'gone shop@3'])
})

test('to forget what is not there does nothing', () => {
  const { cache, heard } = watched()
  cache.forget(shop)
  cache.changed(deployment('shop', 3))
  expect(heard).toEqual(['set shop@3'])
})

test('another object of the same name is told as gone and set', () => {
  const { cache, heard } = watched()
  list(cache, 10, deployment('shop', 3))
  list(cache, 20, deployment('shop', 14, { uid: 'second' }))
  expect(heard).toEqual(['set shop@3', 'gone shop@3', 'set shop@14'])
})

test('what was absorbed during a list and is newer than the list stays', () => {
  const { cache, heard } = watched()
  cache.listBegins()
  cache.listed(deployment('cart', 4), '10')
  cache.absorb(deployment('shop', 11))
  cache.absorb(deployment('cart', 12))
  cache.listEnds('10')
  expect(heard).toEqual(['set cart@4', 'set shop@11', 'set cart@12'])
})

test('what was absorbed during a list and is older than it is gone with the list', () => {
  const { cache, heard } = watched()
  cache.listBegins()
  cache.absorb(deployment('shop', 9))
  cache.listEnds('10')
  expect(heard).toEqual(['set shop@9', 'gone shop@9'])
})

test('a list older than what was seen means a restored cluster: the list is right', () => {
  const { cache, heard } = watched()
  list(cache, 100, deployment('shop', 90), deployment('cart', 40), deployment('old', 80))
  heard.length = 0
  list(cache, 50, deployment('shop', 45), deployment('cart', 40))
  expect(heard).toEqual(['set shop@45', 'gone old@80'])
  cache.changed(deployment('shop', 51))
  cache.absorb(deployment('shop', 52))
  expect(cache.get(shop)?.metadata.resourceVersion).toBe('52')
})

test('objects are found by their controller, as long as it is theirs', () => {
  const { cache } = watched()
  const owned = (name: string, version: number, uid: string, controller = true): Deployment => {
    const { metadata, ...rest } = deployment(name, version)
    const reference = { apiVersion: 'v1', kind: 'Team', name: 'team', uid, controller }
    return { ...rest, metadata: { ...metadata, ownerReferences: [reference] } }
  }
  const names = (uid: string) => cache.ownedBy(uid).map(({ metadata }) => metadata.name)
  list(cache, 10, owned('shop', 1, 'one'), owned('cart', 2, 'one'), owned('mail', 3, 'one', false))
  expect(names('one')).toEqual(['shop', 'cart'])
  cache.changed(owned('shop', 11, 'other'))
  cache.changed(owned('cart', 12, 'one'))
  expect(names('one')).toEqual(['cart'])
  expect(names('other')).toEqual(['shop'])
  cache.deleted(owned('cart', 13, 'one'))
  expect(names('one')).toEqual([])
  // Another object of the same name has owners of its own.
  cache.changed({ ...deployment('shop', 14, { uid: 'new' }) })
  expect(names('other')).toEqual([])
})
