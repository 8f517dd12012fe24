/** What a shell and its commands may touch. The simulated container gives it; tests give another. */

export interface HttpAnswer {
  readonly status: number
  readonly header?: Readonly<Record<string, readonly string[]>>
  readonly body: string
}

export interface HttpQuestion {
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body?: string
}

export interface Machine {
  readonly environment: ReadonlyMap<string, string>
  readonly hostname: string
  /** Undefined when there is no such file. */
  readFile(path: string): string | undefined
  writeFile(path: string, text: string): void
  removeFile(path: string): void
  /** Rejects when the container is stopped meanwhile. */
  sleep(milliseconds: number): Promise<void>
  /** Sends a request as this pod. Rejects as Node's own fetch does (`cause.code` ECONNREFUSED, ENOTFOUND). */
  fetch(url: string, question: HttpQuestion): Promise<HttpAnswer>
  now(): number
}

/** The streams of one command. */
export interface Streams {
  readonly stdin: string
  stdout(text: string): void
  stderr(text: string): void
}

export interface Invocation extends Streams {
  readonly name: string
  readonly arguments: readonly string[]
  readonly variables: ReadonlyMap<string, string>
  readonly machine: Machine
}

/** A program or built-in: what it is called with → its exit code. */
export type Program = (invocation: Invocation) => number | Promise<number>
