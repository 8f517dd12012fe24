/** Manifests of the app that scenarios release. */
import { STEPS } from '../../src/core/annotations.ts'
import type { Deployment } from '../../src/core/kubernetes.ts'

export const APP = 'shop'
export const STRATEGY = 'RollingUpdate'

/** Steers a simulated pod: `ready: never`, `restart-after: 3s`, `exit-code: "1"`. */
export type Behaviour = Readonly<Record<string, string>>

export interface AppOptions {
  /** The number of pods; null leaves it out of the manifest. 4 when not given. */
  readonly replicas?: number | null
  /** canaryhook.dev/steps; null makes a Deployment without canaries. */
  readonly steps?: string | null
  /** Further annotations of ours, without the prefix. */
  readonly settings?: Readonly<Record<string, string>>
  /** Annotations of others. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly behaviour?: Behaviour
  /** spec.strategy.rollingUpdate. Nothing may be unavailable when left out, so that capacity can be asserted. */
  readonly rollingUpdate?: { readonly maxSurge: number | string; readonly maxUnavailable: number | string }
  readonly strategy?: string
  /** `shop:<version>` when left out. */
  readonly image?: string
  /** Further fields of the container. */
  readonly container?: Readonly<Record<string, unknown>>
  /** Labels of the pods besides the app's; the selector asks for them too. */
  readonly podLabels?: Readonly<Record<string, string>>
  /** Annotations of the pods. */
  readonly podAnnotations?: Readonly<Record<string, string>>
  /** Further fields of spec. */
  readonly spec?: Readonly<Record<string, unknown>>
}

/** Ten pods, as in most examples. */
export const TEN = { replicas: 10, steps: '10% for 1s, 50% for 1s' } as const

/** Few pods and short steps, where their number does not matter. */
const SMALL = { replicas: 4, steps: '25% for 1s, 50% for 1s' }

/** The manifest of one version of the app, as a user has it in git. */
export function manifest(version: string, options: AppOptions = {}): Deployment {
  const {
    replicas = SMALL.replicas,
    steps = SMALL.steps,
    rollingUpdate = { maxSurge: '25%', maxUnavailable: 0 },
  } = options
  const labels = { app: APP, ...options.podLabels }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: APP,
      annotations: {
        ...options.annotations,
        ...(steps !== null && { [STEPS]: steps }),
        ...prefixed('canaryhook.dev/', options.settings),
      },
    },
    spec: {
      ...(replicas !== null && { replicas }),
      selector: { matchLabels: labels },
      strategy:
        options.strategy === undefined ? { type: STRATEGY, rollingUpdate } : { type: options.strategy },
      ...options.spec,
      template: {
        metadata: {
          labels,
          annotations: {
            ...prefixed('sandbox.canaryhook.dev/', options.behaviour),
            ...options.podAnnotations,
          },
        },
        spec: {
          containers: [
            {
              name: APP,
              image: options.image ?? `shop:${version}`,
              ports: [{ containerPort: 8080 }],
              ...options.container,
            },
          ],
        },
      },
    },
  }
}

/** A Service in front of the app: port 80. */
export const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: APP },
  spec: { selector: { app: APP }, ports: [{ port: 80, targetPort: 8080 }] },
}

function prefixed(prefix: string, values: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]))
}

/**
 * What a manifest no longer says, as nulls: the difference that `kubectl apply` makes from what it recorded.
 * Containers are found by name.
 */
export function dropped(before: unknown, after: unknown): Record<string, unknown> | undefined {
  if (!isMap(before) || !isMap(after)) return undefined
  const entries = Object.entries(before).flatMap(([key, value]): [string, unknown][] => {
    if (!Object.hasOwn(after, key)) return [[key, null]]
    const inner =
      isNamed(value) && isNamed(after[key]) ? droppedByName(value, after[key]) : dropped(value, after[key])
    return inner === undefined ? [] : [[key, inner]]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/** Lays `over` upon `under`: maps are merged, elements of named lists by name. */
export function merged(under: unknown, over: unknown): unknown {
  if (isNamed(under) && isNamed(over)) {
    return under.map(element => merged(element, over.find(({ name }) => name === element.name) ?? {}))
  }
  if (!isMap(under) || !isMap(over)) return over === undefined ? under : over
  const keys = new Set([...Object.keys(under), ...Object.keys(over)])
  return Object.fromEntries([...keys].map(key => [key, merged(under[key], over[key])]))
}

type Named = { readonly name: string }

function droppedByName(before: readonly Named[], after: readonly Named[]): unknown {
  const elements = before.flatMap(element => {
    const inner = dropped(
      element,
      after.find(({ name }) => name === element.name),
    )
    return inner === undefined ? [] : [{ name: element.name, ...inner }]
  })
  return elements.length === 0 ? undefined : elements
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamed(value: unknown): value is Named[] {
  return Array.isArray(value) && value.every(element => isMap(element) && typeof element.name === 'string')
}
