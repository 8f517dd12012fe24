/** The files that the webhook of the same pod serves from. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyPair } from '../../core/key-pair.ts'

/**
 * Writes tls.crt and tls.key, each in one step: a reader finds the old one or the new one, never a part. The key
 * is readable for our own user only. Nothing is written where the files say so already.
 * @returns whether anything was written
 * @throws the error of the file system, for example EROFS
 */
export async function writePair(directory: string, { cert, key }: KeyPair): Promise<boolean> {
  await mkdir(directory, { recursive: true })
  const files = [
    ['tls.key', key, 0o600],
    ['tls.crt', cert, 0o644],
  ] as const
  let wrote = false
  for (const [name, text, mode] of files) {
    const path = join(directory, name)
    if ((await readFile(path, 'utf8').catch(() => undefined)) === text) continue
    const temporary = join(directory, `.${name}.new`)
    // One that a crash left has whatever mode it has.
    await rm(temporary, { force: true })
    await writeFile(temporary, text, { mode, flag: 'wx' })
    await rename(temporary, path)
    wrote = true
  }
  return wrote
}
