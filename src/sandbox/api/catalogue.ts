/** Which kinds are served right now: the built-in ones and those of CustomResourceDefinitions. */
import { at, listOf, objectOf, stringOf } from './json.ts'
import type { ApiObject } from './object.ts'
import { apiVersionOf, builtInResources, type Resource } from './resources.ts'

/** The kinds served; custom ones come and go with their definitions. */
export class Catalogue {
  readonly #custom = new Map<string, readonly Resource[]>()

  all(): readonly Resource[] {
    return [...builtInResources, ...[...this.#custom.values()].flat()]
  }

  /** The kind that a path speaks of, if it is served. */
  find(group: string, version: string, plural: string): Resource | undefined {
    return this.all().find(r => r.group === group && r.version === version && r.plural === plural)
  }

  /** The kind that an object or an owner reference names, if it is served. */
  ofKind(apiVersion: string, kind: string): Resource | undefined {
    return this.all().find(r => r.kind === kind && apiVersionOf(r) === apiVersion)
  }

  /** The kind whose objects are stored at `key`. */
  ofKey(key: string): Resource | undefined {
    return this.all().find(r => key.startsWith(r.prefix))
  }

  /** Serves what a CustomResourceDefinition defines from now on. */
  define(definition: ApiObject): void {
    this.#custom.set(definition.metadata.name, resourcesOf(definition))
  }

  /** Stops serving it. */
  withdraw(definition: ApiObject): void {
    this.#custom.delete(definition.metadata.name)
  }
}

function resourcesOf(definition: ApiObject): readonly Resource[] {
  const spec = objectOf(definition.spec)
  const names = objectOf(spec.names)
  const group = stringOf(spec.group)
  const plural = stringOf(names.plural)
  return listOf(spec.versions)
    .filter(version => at(version, 'served') === true)
    .map(version => ({
      group,
      version: stringOf(at(version, 'name')),
      plural,
      singular: stringOf(names.singular) || stringOf(names.kind).toLowerCase(),
      kind: stringOf(names.kind),
      namespaced: spec.scope !== 'Cluster',
      shortNames: listOf(names.shortNames).map(stringOf),
      categories: listOf(names.categories).map(stringOf),
      subresources: at(version, 'subresources', 'status') === undefined ? [] : (['status'] as const),
      generation: 'content' as const,
      simulated: false,
      prefix: `/registry/${group}/${plural}/`,
      custom: true,
    }))
}
