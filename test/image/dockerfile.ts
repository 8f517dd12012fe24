/** Reads a Dockerfile and .dockerignore: as much of both as ours use, and an error for the rest. Pure. */

export interface Instruction {
  /** `COPY` */
  readonly name: string
  /** The rest of the line, arguments replaced: `--from=build /app/src src`. */
  readonly text: string
}

export interface Stage {
  /** The image that it starts from, or the stage. */
  readonly from: string
  /** The argument that names that image: `NODE_IMAGE`. */
  readonly argument: string | undefined
  readonly name: string
  readonly instructions: readonly Instruction[]
}

const KNOWN = ['ARG', 'FROM', 'WORKDIR', 'COPY', 'RUN', 'LABEL', 'USER', 'ENV', 'ENTRYPOINT', 'CMD']

/**
 * @param given values of build arguments; others have their defaults
 * @throws when an instruction is not known here
 */
export function readDockerfile(text: string, given: Readonly<Record<string, string>> = {}): readonly Stage[] {
  const global = new Map<string, string>()
  const stages: (Stage & { readonly instructions: Instruction[] })[] = []
  // Arguments before the first FROM are for FROM lines; a stage sees those that it names again.
  let scope = global
  for (const line of linesOf(text)) {
    const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/s.exec(line) ?? []
    if (!KNOWN.includes(name)) throw new Error(`the instruction ${name} is not known here: ${line}`)
    if (name === 'FROM') {
      const [from = '', as, stageName = ''] = replaceArguments(rest, global).split(/\s+/)
      const argument = /^\$\{(?<argument>\w+)\}/.exec(rest)?.groups?.argument
      stages.push({ from, argument, name: as ? stageName : '', instructions: [] })
      scope = new Map()
    } else if (name === 'ARG') {
      const [key = '', value] = replaceArguments(rest, scope).split('=', 2)
      scope.set(key, given[key] ?? value ?? global.get(key) ?? '')
    } else {
      // A shell replaces its own variables.
      stages.at(-1)?.instructions.push({ name, text: name === 'RUN' ? rest : replaceArguments(rest, scope) })
    }
  }
  return stages
}

/** Whether .dockerignore lets a path into the build: the last pattern that fits decides. */
export function lets(ignore: string, path: string): boolean {
  let isIn = true
  for (const line of ignore.split('\n').map(line => line.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const pattern = line.replace(/^!/, '')
    if (fits(pattern, path)) isIn = line.startsWith('!')
  }
  return isIn
}

/** A pattern fits what it names and everything below. */
function fits(pattern: string, path: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')
  return new RegExp(`^${source}(?:/|$)`).test(path)
}

/** Comments left out, continued lines joined. */
function linesOf(text: string): readonly string[] {
  const lines = text.split('\n').filter(line => !line.startsWith('#'))
  return lines
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
}

function replaceArguments(text: string, scope: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name: string) => scope.get(name) ?? '')
}
