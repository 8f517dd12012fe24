/** Runs a parsed script. */
import { expandWord, expandWords } from './expansion.ts'
import type { Machine, Program, Streams } from './machine.ts'
import { parseScript } from './parser.ts'
import { redirectStreams } from './redirection.ts'
import { type Command, type Pipeline, type Script, ShellSyntaxError, type Word } from './syntax.ts'

/** Ends the whole script. */
class Exit {
  readonly code: number
  constructor(code: number) {
    this.code = code
  }
}

/** Ends one turn of a loop (`continue`) or all of it (`break`). */
class LeaveTurn {
  readonly goOn: boolean
  constructor(goOn: boolean) {
    this.goOn = goOn
  }
}

const SYNTAX_ERROR = 2
const NOT_FOUND = 127

/** Runs `sh -c source` and gives its exit code. Never throws, but for what the machine's sleep throws. */
export async function runShell(
  source: string,
  machine: Machine,
  programs: ReadonlyMap<string, Program>,
  streams: Streams,
): Promise<number> {
  try {
    return await new Shell(machine, programs).runToExit(parseScript(source), streams)
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error
    streams.stderr(`sh: ${error.message}\n`)
    return SYNTAX_ERROR
  }
}

class Shell {
  readonly #machine: Machine
  readonly #programs: ReadonlyMap<string, Program>
  readonly #variables: Map<string, string>
  readonly #values = {
    variable: (name: string) => (name === '?' ? String(this.#status) : (this.#variables.get(name) ?? '')),
    output: (script: Script) => this.#outputOf(script),
  }
  #status = 0
  /** Of the last command substitution in the command at hand. */
  #outputStatus: number | undefined
  #exitOnError = false
  #stderr: Streams['stderr'] = () => undefined

  constructor(machine: Machine, programs: ReadonlyMap<string, Program>, variables = machine.environment) {
    this.#machine = machine
    this.#programs = programs
    this.#variables = new Map(variables)
  }

  async runToExit(script: Script, streams: Streams): Promise<number> {
    this.#stderr = streams.stderr
    try {
      return await this.#run(script, streams, true)
    } catch (thrown) {
      if (thrown instanceof Exit) return thrown.code
      if (thrown instanceof LeaveTurn) return this.#status
      throw thrown
    }
  }

  /** @param strict whether `set -e` counts: it does not where a status is asked for, as in `if` and `while` */
  async #run(script: Script, streams: Streams, strict: boolean): Promise<number> {
    for (const { first, rest } of script) {
      const final = rest.at(-1)?.pipeline ?? first
      let ran = first
      this.#status = await this.#runPipeline(first, streams, strict && first === final)
      for (const { operator, pipeline } of rest) {
        if ((operator === '&&') !== (this.#status === 0)) continue
        ran = pipeline
        this.#status = await this.#runPipeline(pipeline, streams, strict && pipeline === final)
      }
      const counts = strict && ran === final && !ran.negated
      if (counts && this.#exitOnError && this.#status !== 0) throw new Exit(this.#status)
    }
    return this.#status
  }

  async #runPipeline(pipeline: Pipeline, streams: Streams, strict: boolean): Promise<number> {
    const [only, ...others] = pipeline.commands
    if (only === undefined) return 0
    const status =
      others.length === 0
        ? await this.#runCommand(only, streams, strict)
        : await this.#runPiped(pipeline.commands, streams)
    if (!pipeline.negated) return status
    return status === 0 ? 1 : 0
  }

  /** One after the other, each in a shell of its own, the output of one being the input of the next. */
  async #runPiped(commands: readonly Command[], streams: Streams): Promise<number> {
    let stdin = streams.stdin
    let status = 0
    for (const command of commands) {
      const output = new Captured()
      const stdout = command === commands.at(-1) ? streams.stdout : output.write
      const script = [{ first: { negated: false, commands: [command] }, rest: [] }]
      status = await this.#child().runToExit(script, { stdin, stdout, stderr: streams.stderr })
      stdin = output.text
    }
    return status
  }

  async #outputOf(script: Script): Promise<string> {
    const output = new Captured()
    this.#outputStatus = await this.#child().runToExit(script, {
      stdin: '',
      stdout: output.write,
      stderr: this.#stderr,
    })
    return output.text
  }

  #child(): Shell {
    const child = new Shell(this.#machine, this.#programs, this.#variables)
    child.#exitOnError = this.#exitOnError
    child.#status = this.#status
    return child
  }

  async #runCommand(command: Command, streams: Streams, strict: boolean): Promise<number> {
    switch (command.kind) {
      case 'simple':
        return this.#runSimple(command, streams)
      case 'group':
        return command.subshell
          ? this.#child().runToExit(command.body, streams)
          : this.#run(command.body, streams, strict)
      case 'if':
        for (const { condition, body } of command.branches) {
          if ((await this.#run(condition, streams, false)) === 0) return this.#run(body, streams, strict)
        }
        this.#status = 0
        return command.otherwise ? this.#run(command.otherwise, streams, strict) : 0
      case 'loop':
        for (;;) {
          const holds = (await this.#run(command.condition, streams, false)) === 0
          if (holds === command.until || !(await this.#runTurn(command.body, streams, strict))) return 0
          // A loop that never waits must still let the rest of this process live.
          await this.#machine.sleep(0)
        }
      case 'for':
        this.#status = 0
        for (const item of await expandWords(command.items, this.#values)) {
          this.#variables.set(command.name, item)
          if (!(await this.#runTurn(command.body, streams, strict))) break
        }
        return this.#status
    }
  }

  /** @returns whether the loop goes on */
  async #runTurn(body: Script, streams: Streams, strict: boolean): Promise<boolean> {
    try {
      await this.#run(body, streams, strict)
      return true
    } catch (thrown) {
      if (!(thrown instanceof LeaveTurn)) throw thrown
      this.#status = 0
      return thrown.goOn
    }
  }

  async #runSimple(command: Command & { kind: 'simple' }, outer: Streams): Promise<number> {
    const [name, ...args] = await expandWords(command.words, this.#values)
    const variables = name === undefined ? this.#variables : new Map(this.#variables)
    this.#outputStatus = undefined
    for (const assignment of command.assignments) {
      variables.set(assignment.name, await this.#expandToText(assignment.value))
    }
    const streams = await redirectStreams(command.redirects, outer, this.#machine, word =>
      this.#expandToText(word),
    )
    if (streams === undefined) return 1
    // The status of a bare assignment is that of the command substitution in it.
    if (name === undefined) return this.#outputStatus ?? 0
    const own = this.#runBuiltIn(name, args)
    if (own !== undefined) return own
    const program = this.#programs.get(name.split('/').at(-1) ?? name)
    if (program) return program({ ...streams, name, arguments: args, variables, machine: this.#machine })
    streams.stderr(`sh: ${name}: not found\n`)
    return NOT_FOUND
  }

  async #expandToText(word: Word): Promise<string> {
    return (await expandWord(word, this.#values)).join(' ')
  }

  /** The commands that change the shell itself. */
  #runBuiltIn(name: string, args: readonly string[]): number | undefined {
    switch (name) {
      case 'exit':
        throw new Exit(Number.parseInt(args[0] ?? String(this.#status), 10) & 0xff)
      case 'break':
      case 'continue':
        throw new LeaveTurn(name === 'continue')
      case 'set':
        for (const flag of args) {
          if (/^[-+][a-z]*e/.test(flag)) this.#exitOnError = flag.startsWith('-')
        }
        return 0
      case 'export':
        for (const assignment of args) {
          const [, variable, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(assignment) ?? []
          if (variable !== undefined) this.#variables.set(variable, value ?? '')
        }
        return 0
      case 'unset':
        for (const variable of args) this.#variables.delete(variable)
        return 0
      case 'cd':
      case 'trap':
        return 0
      default:
        return undefined
    }
  }
}

/** Text that is kept instead of shown. */
class Captured {
  text = ''
  readonly write = (chunk: string): void => {
    this.text += chunk
  }
}
