/** How long ago, as kubectl prints it (apimachinery/pkg/util/duration HumanDuration). */
export function age(since: unknown, now: number): string {
  const start = typeof since === 'string' ? Date.parse(since) : Number.NaN
  return Number.isNaN(start) ? '<unknown>' : humanDuration(now - start)
}

export function humanDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  if (days < 8) return pair(days, 'd', hours % 24, 'h')
  return days < 730 ? `${days}d` : `${Math.floor(days / 365)}y`
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`
}
