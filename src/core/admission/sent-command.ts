import { COMMAND, type Command, readCommand } from '../annotations.ts'
import type { Deployment } from '../kubernetes.ts'
import { isFromManifest } from '../manifest.ts'

/** What the command annotation of a request means. */
export type SentCommand =
  | { readonly kind: 'none' }
  /** Somebody typed it just now. */
  | { readonly kind: 'typed'; readonly command: Command }
  /** Somebody typed something else; the error is ready to be shown. */
  | { readonly kind: 'wrong'; readonly error: string }
  /** Nobody typed it now: not obeyed, whatever it says. */
  | { readonly kind: 'ignored'; readonly because: string }

/** @returns what is to be done about the command that `after` carries */
export function sentCommand(before: Deployment, after: Deployment): SentCommand {
  const word = after.metadata.annotations?.[COMMAND]
  if (word === undefined) return { kind: 'none' }
  const type = `type it: kubectl annotate deployment ${after.metadata.name} ${COMMAND}=${word}`
  if (isFromManifest(after, COMMAND)) {
    const because = `was ignored because it comes from a manifest and would come with every apply; take it out of the manifest, then ${type}`
    return { kind: 'ignored', because: `${COMMAND}=${word} ${because}` }
  }
  // Ours never stay: this one was stored while no webhook was asked, perhaps days ago.
  if (before.metadata.annotations?.[COMMAND] === word) {
    const because = `was ignored because it was stored while Canaryhook was away; if it is still wanted, ${type}`
    return { kind: 'ignored', because: `${COMMAND}=${word} ${because}` }
  }
  const read = readCommand(word)
  return 'command' in read ? { kind: 'typed', command: read.command } : { kind: 'wrong', error: read.error }
}
