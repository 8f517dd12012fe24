/** Runs a block of commands of a page as its reader does, and looks for what the page says it prints. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import type { Block } from './pages.ts'

/**
 * Fails when it ends with another exit code, or does not print the block of text that follows it.
 * @param block of `file`, for the errors
 * @param env what its reader has set; the home is the folder
 */
export async function runBlock(
  block: Block,
  file: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const expected = Number(/ exit=(\d+)$/.exec(block.info)?.[1] ?? 0)
  const { code, output } = await shell(block.text, folder, env)
  const where = `${file}:${block.line}`
  expect(code, `${where}: exit code of\n${block.text}\n${output}`).toBe(expected)
  const shown = block.next?.info === 'text' ? block.next.text : ''
  expect(missingIn(output, shown), `${where} prints\n${output}`).toBeUndefined()
}

async function shell(
  script: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string }> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${script}`], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [output, code] = await Promise.all([text(child.stdout), ended])
  return { code, output }
}

/**
 * The first line shown that was not printed after those before it; undefined when all were. `…` stands for
 * anything; times and columns may differ.
 */
export function missingIn(printed: string, shown: string): string | undefined {
  const lines = printed.split('\n').map(plain)
  for (const line of shown.split('\n').map(plain)) {
    if (line === '' || line === '…') continue
    const pattern = new RegExp(`^${line.split('…').map(escaped).join('.*')}$`)
    const at = lines.findIndex(candidate => pattern.test(candidate))
    if (at < 0) return line
    lines.splice(0, at + 1)
  }
  return undefined
}

function plain(line: string): string {
  const times = /\b\d+(?:\.\d+)?(?:[dhms]|ms| s| min| h)(?:\d+[hms])*\b/g
  return line.replace(times, '<time>').replace(/\s+/g, ' ').trim()
}

function escaped(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
