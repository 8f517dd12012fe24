/** What a line starts with and the lines after it stay clear of: a time, a mark, a number. */
const LABEL = /^\s*(?:\d+\.\d s\s+|[✔✖]\s+|\d+\.\s+)?/

/** Breaks a line between words so that none is wider than the terminal; what follows is indented. */
export function wrap(line: string, columns: number): readonly string[] {
  const indent = ' '.repeat(LABEL.exec(line)?.[0].length ?? 0)
  const lines: string[] = []
  let current = ''
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (current !== '' && current.length + word.length > columns) {
      lines.push(current)
      current = indent + word.trimStart()
    } else current += word
  }
  return [...lines, current]
}
