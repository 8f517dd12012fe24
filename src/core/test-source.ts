/**
 * Where the Job of a `test` step comes from, as the annotation `canaryhook.dev/test` says it: the jobTemplate of
 * a CronJob of the same namespace, or an image with its command.
 */
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { quote } from './quote.ts'
import { suggest } from './suggest.ts'

export type TestSource =
  | { readonly kind: 'cronjob'; readonly name: string }
  | {
      readonly kind: 'inline'
      readonly image: string
      readonly command?: readonly string[]
      readonly args?: readonly string[]
      readonly env?: Readonly<Record<string, string>>
    }

/** The text is kept in the state annotation, which is to stay small. */
export const LONGEST_TEST = 4000

const EXAMPLES =
  'write cronjob/NAME, or a mapping such as {image: curlimages/curl, args: [--fail, $(CANARY_URL)]}'

/**
 * Reads the value of the annotation: `cronjob/NAME`, or a YAML mapping of image, command, args and env.
 *
 * @returns the source and its canonical text, which reads back to the same; or one text with everything that is
 * wrong, which may have indented lines of its own
 */
export function readTestSource(
  value: string,
): { readonly source: TestSource; readonly text: string } | { readonly problem: string } {
  if (value.length > LONGEST_TEST) {
    return { problem: `${value.length} characters are too many (at most ${LONGEST_TEST} are read)` }
  }
  const reference = /^\s*(?<kind>[a-z][a-z.]*)\s*\/\s*(?<name>\S*)\s*$/i.exec(value)?.groups
  return reference ? readReference(value, reference) : readMapping(value)
}

/** The one text of a source: two that mean the same have the same. */
export function printTestSource(source: TestSource): string {
  if (source.kind === 'cronjob') return `cronjob/${source.name}`
  const { kind: _, ...mapping } = source
  return JSON.stringify(mapping)
}

/** RFC 1123, and 11 characters fewer than a Job's: k8s.io/kubernetes pkg/apis/batch/validation ValidateCronJob. */
const CRON_JOB_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LONGEST_CRON_JOB_NAME = 52

function readReference(value: string, { kind = '', name = '' }: Readonly<Record<string, string>>) {
  const word = kind.toLowerCase()
  if (word !== 'cronjob' && word !== 'cronjobs' && !/^cronjobs?\.batch$/.test(word)) {
    return { problem: `${quote(value)} is not a reference to a CronJob (${EXAMPLES})` }
  }
  if (!CRON_JOB_NAME.test(name) || name.length > LONGEST_CRON_JOB_NAME) {
    return { problem: `${quote(name)} is not the name of a CronJob of this namespace (write cronjob/NAME)` }
  }
  return accepted({ kind: 'cronjob', name })
}

function readMapping(value: string) {
  const parsed = parseYaml(value)
  if ('problem' in parsed) return parsed
  const { mapping } = parsed
  if (typeof mapping !== 'object' || mapping === null || Array.isArray(mapping)) {
    return { problem: `${quote(value)} is neither cronjob/NAME nor a mapping (${EXAMPLES})` }
  }
  const reading = inline.safeParse(mapping)
  if (!reading.success) return { problem: listed(value, reading.error.issues.flatMap(sentences)) }
  const { image, command, args, env } = reading.data
  return accepted({
    kind: 'inline',
    image,
    ...(command && { command }),
    ...(args && { args }),
    ...(env && { env }),
  })
}

function accepted(source: TestSource): { readonly source: TestSource; readonly text: string } {
  return { source, text: printTestSource(source) }
}

/** With the failsafe schema every scalar is the text that was written: 1.10 stays 1.10, and true stays true. */
function parseYaml(value: string): { readonly mapping: unknown } | { readonly problem: string } {
  try {
    const [document, ...others] = parseAllDocuments(value, { schema: 'failsafe', prettyErrors: false })
    if (!document) return { problem: `it is empty (${EXAMPLES})` }
    if (others.length > 0) return { problem: `it has ${others.length + 1} YAML documents (${EXAMPLES})` }
    const [error] = document.errors
    if (error) return { problem: `${quote(value)} is not YAML: ${firstLine(error.message)} (${EXAMPLES})` }
    return { mapping: document.toJS({ maxAliasCount: 10 }) }
  } catch (error) {
    return {
      problem: `${quote(value)} is not YAML: ${firstLine(error instanceof Error ? error.message : '')} (${EXAMPLES})`,
    }
  }
}

const FIELDS = ['image', 'command', 'args', 'env']

/** k8s.io/apimachinery pkg/util/validation IsEnvVarName. */
const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/

const inline = z.strictObject({
  image: z
    .string({ error: ({ input }) => (input === undefined ? 'missing' : 'is not the name of an image') })
    .regex(/^[^\s,]+$/, 'is not the name of an image'),
  command: list('command'),
  args: list('args'),
  env: z
    .record(
      z.string().regex(ENV_NAME, 'is not the name of a variable'),
      z.string('is not a single value (numbers, true and false are taken as text)'),
      'is not a mapping (write {NAME: value, OTHER: value})',
    )
    .optional(),
})

function list(field: string) {
  return z
    .array(z.string('is not a single value'), {
      error: ({ input }) => `is not a list${asList(field, input)}`,
    })
    .min(1, 'is an empty list (leave it out)')
    .optional()
}

/** A line of a shell is given to one; other words are one item each. */
function asList(field: string, input: unknown): string {
  if (typeof input !== 'string' || input.trim() === '') return ` (write ${field}: [first, second])`
  const text = input.trim()
  if (/["'`|&;<>$*\\]/.test(text.replace(/\$\(\w+\)/g, '')))
    return ` (write command: [sh, -c, ${JSON.stringify(text)}])`
  return ` (write ${field}: [${text.split(/\s+/).map(plainOrQuoted).join(', ')}])`
}

function plainOrQuoted(word: string): string {
  return /^[\w./-][\w./:=@%+-]*$/.test(word) && !word.endsWith(':') ? word : JSON.stringify(word)
}

type Issue = z.core.$ZodIssue

function sentences(issue: Issue): readonly string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map(unknownField)
  // What is wrong with the name of a variable is said one level deeper.
  const { message } = issue.code === 'invalid_key' ? (issue.issues[0] ?? issue) : issue
  return [
    `${issue.path.map(part => (typeof part === 'number' ? part + 1 : String(part))).join(' ')}: ${message}`,
  ]
}

function unknownField(key: string): string {
  const meant = suggest(key, FIELDS)
  const hint = meant === undefined ? ` (known are ${FIELDS.join(', ')})` : `; did you mean ${meant}?`
  return `${quote(key)}: unknown field${hint}`
}

function listed(value: string, problems: readonly string[]): string {
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`
  return [`${quote(value, 80)}: ${count}`, ...problems.map(problem => `  ${problem}`)].join('\n')
}

function firstLine(text: string): string {
  return quote(text.split('\n')[0] ?? '', 120).slice(1, -1)
}
