/** Where the streams of one command go: files of the container, each other, or nowhere. */
import type { Machine, Streams } from './machine.ts'
import type { Redirect, Word } from './syntax.ts'

/** @returns undefined when a file to read from is missing; that was said on stderr */
export async function redirectStreams(
  redirects: readonly Redirect[],
  outer: Streams,
  machine: Machine,
  expand: (word: Word) => Promise<string>,
): Promise<Streams | undefined> {
  let { stdin, stdout, stderr } = outer
  for (const { stream, append, to } of redirects) {
    if (to === 'stdout' || to === 'stderr') {
      const target = to === 'stdout' ? stdout : stderr
      if (stream === 'stdout') stdout = target
      else stderr = target
      continue
    }
    const path = await expand(to)
    if (stream === 'stdin') {
      const text = path === '/dev/null' ? '' : machine.readFile(path)
      if (text === undefined) {
        outer.stderr(`sh: can't open ${path}: no such file\n`)
        return undefined
      }
      stdin = text
      continue
    }
    const write = fileWriter(path, append, outer, machine)
    if (stream === 'stdout') stdout = write
    else stderr = write
  }
  return { stdin, stdout, stderr }
}

function fileWriter(path: string, append: boolean, outer: Streams, machine: Machine): (text: string) => void {
  if (path === '/dev/null') return () => undefined
  if (path === '/dev/stdout' || path === '/proc/1/fd/1') return outer.stdout
  if (path === '/dev/stderr' || path === '/proc/1/fd/2') return outer.stderr
  if (!append) machine.writeFile(path, '')
  return text => machine.writeFile(path, (machine.readFile(path) ?? '') + text)
}
