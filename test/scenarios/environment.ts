/**
 * The port through which scenarios speak to a cluster with Canaryhook in it, so that the same scenarios run
 * on the sandbox and on a real control plane.
 */
import { afterAll, beforeAll, vi } from 'vitest'
import type { Cluster } from '../../src/cluster/port.ts'
import type { ApiClient } from './api-client.ts'
import { startControlPlaneEnvironment } from './controlplane-environment.ts'
import { startSandboxEnvironment } from './sandbox-environment.ts'

export type User = 'admin' | 'controller' | 'alice' | 'bob'

/** A request that reached the API server. */
export interface Seen {
  readonly verb: string
  readonly resource: string
  /** '' when the object itself was meant. */
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly status: number
}

/** What came back for requests through a Service. */
export interface Traffic {
  readonly requests: number
  /** Answers that were errors, and requests without an answer. */
  readonly errors: number
  /** How many were answered by each version (image tag). */
  readonly byVersion: Readonly<Record<string, number>>
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface KubectlOptions {
  readonly stdin?: string
  /** The command that `kubectl edit` runs on a file. */
  readonly editor?: string
  /** admin when left out. */
  readonly user?: User
}

export interface Controller {
  /** SIGKILL, as a crash. */
  kill(): Promise<void>
  /** Resolves when it is ready. */
  start(): Promise<void>
  /** SIGKILL when it has come to all of these points; at each of them it is held until then. */
  killAt(points: readonly CrashPoint[]): Trap
}

/** A moment in the life of the app of a namespace. */
export interface CrashPoint {
  readonly namespace: string
  /** Which of the controller's writes for it, from 1; Events and Leases do not count. */
  readonly write: number
  /** `before`: the API server never gets the write. `after`: it is done, and the controller is never told. */
  readonly when: 'before' | 'after'
}

export interface Trap {
  /** Resolves when the controller is dead. */
  readonly dead: Promise<void>
  /** Resolves when the controller has come to that point. */
  comesTo(point: CrashPoint): Promise<void>
  /**
   * Waits for no more points: kills it if it has come to some, else lets it live.
   * @returns whether it was killed, when it is dead
   */
  disarm(): Promise<boolean>
}

export interface Webhook {
  stop(): Promise<void>
  start(): Promise<void>
}

export interface Environment {
  readonly kind: 'sandbox' | 'controlplane'
  /** What that user does at the API. */
  as(user: User): ApiClient
  /** Watches for the tests, as admin. */
  readonly cluster: Cluster
  /** Makes a namespace that no other scenario uses, and gives its name. */
  namespace(): Promise<string>
  /** Runs the real kubectl in a namespace. */
  kubectl(namespace: string, args: readonly string[], options?: KubectlOptions): Promise<Ran>
  /** Sends this many requests through a Service. */
  traffic(namespace: string, service: string, requests: number): Promise<Traffic>
  readonly controller: Controller
  /** With which further controllers reach the API server, each through a gate of its own. */
  readonly controllerKubeconfig: string
  /** Of the account that takes Canaryhook away, with that account's permissions. */
  uninstallKubeconfig(): Promise<string>
  readonly webhook: Webhook
  /** What a user asked of the API server so far, oldest first. */
  requestsOf(user: User): readonly Seen[]
  /** How often the webhook was asked so far. */
  reviews(): Promise<number>
  /** The log lines of Canaryhook's processes about one namespace. */
  logs(namespace: string): readonly LogLine[]
  stop(): Promise<void>
}

export interface LogLine {
  readonly component: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** Set by vitest.controlplane.config.ts. */
export const ON_CONTROL_PLANE = process.env.CANARYHOOK_ENVIRONMENT === 'controlplane'

/** One environment for all scenarios of a file. */
export function useEnvironment(): Environment {
  let started: Environment | undefined
  // Scenarios wait most of their time; they run beside each other.
  vi.setConfig({ testTimeout: 150_000, maxConcurrency: 10 })
  beforeAll(async () => {
    started = await (ON_CONTROL_PLANE ? startControlPlaneEnvironment() : startSandboxEnvironment())
  }, 60_000)
  afterAll(() => started?.stop())
  return new Proxy({} as Environment, {
    get(_, property) {
      if (!started) throw new Error('the environment is there only while tests run')
      return started[property as keyof Environment]
    },
  })
}

/** The writes among these, Events and Leases aside. */
export function writesAmong(requests: readonly Seen[], namespace: string): readonly Seen[] {
  return requests.filter(request => isWrite(request, namespace))
}

/** Whether this is a write in that namespace, and not of an Event or a Lease. */
export function isWrite(request: Omit<Seen, 'status'>, namespace: string): boolean {
  return (
    request.namespace === namespace &&
    !['get', 'list', 'watch'].includes(request.verb) &&
    !['events', 'leases'].includes(request.resource)
  )
}
