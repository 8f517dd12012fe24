/** More than this is no typing error of any word we know; it also bounds the cost for a hostile text. */
const LONGEST = 40

/**
 * The known word that somebody who typed `word` most likely meant, or undefined when none is near. Case,
 * hyphens and underscores do not count (`maxRestarts` is `max-restarts`). A word may have one typing error
 * (wrong, missing, extra or swapped letters) per three letters, and never more than two.
 */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const errors = editDistance(fold(word), fold(candidate))
    if (errors < least && errors <= allowedErrors(candidate)) {
      best = candidate
      least = errors
    }
  }
  return best
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '')
}

function allowedErrors(word: string): number {
  return Math.min(2, Math.floor(word.length / 3))
}

/**
 * How many letters have to be replaced, added, removed or swapped with their neighbour to make `b` of `a`
 * (the optimal string alignment distance).
 */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : replaced
      row.push(Math.min(replaced, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1))
    }
  }
  return at(a.length, b.length)
}
