/** What a shell script consists of, once it is parsed. */

/** A piece of a word. Quoted pieces are neither split at spaces nor dropped when they are empty. */
export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: 'variable'
      readonly name: string
      /** The `word` of `${name:-word}`. */
      readonly fallback?: Word
      readonly quoted: boolean
    }
  | { readonly kind: 'output'; readonly script: Script; readonly quoted: boolean }
  | { readonly kind: 'arithmetic'; readonly expression: string; readonly quoted: boolean }

export type Word = readonly Part[]

export interface Redirect {
  readonly stream: 'stdin' | 'stdout' | 'stderr'
  readonly append: boolean
  /** A file, or the other output stream (`2>&1`, `>&2`). */
  readonly to: Word | 'stdout' | 'stderr'
}

export type Command =
  | {
      readonly kind: 'simple'
      readonly assignments: readonly { readonly name: string; readonly value: Word }[]
      readonly words: readonly Word[]
      readonly redirects: readonly Redirect[]
    }
  | { readonly kind: 'if'; readonly branches: readonly Branch[]; readonly otherwise?: Script }
  | { readonly kind: 'loop'; readonly until: boolean; readonly condition: Script; readonly body: Script }
  | { readonly kind: 'for'; readonly name: string; readonly items: readonly Word[]; readonly body: Script }
  /** `{ … }`, or `( … )` with `subshell`, whose variables and `exit` stay inside. */
  | { readonly kind: 'group'; readonly body: Script; readonly subshell: boolean }

export interface Branch {
  readonly condition: Script
  readonly body: Script
}

export interface Pipeline {
  /** `! command` */
  readonly negated: boolean
  readonly commands: readonly Command[]
}

/** Pipelines joined by `&&` and `||`. */
export interface AndOr {
  readonly first: Pipeline
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[]
}

export type Script = readonly AndOr[]

/** The script cannot be read; `message` is what `sh` would print. */
export class ShellSyntaxError extends Error {}
