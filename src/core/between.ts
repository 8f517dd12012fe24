/** `value`, but at least `low` and at most `high`; `low` where the two leave nothing between them. */
export function between(low: number, value: number, high: number): number {
  return Math.max(low, Math.min(value, high))
}
