import { type Logger, pino, stdTimeFunctions } from 'pino'

/** The levels that LOG_LEVEL may name, most talkative first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * Makes the logger of a process: one JSON object a line.
 * @param component who is talking: `webhook` or `controller`, in every line
 * @param dest standard output as a rule, standard error (2) where the output is for people
 */
export function createLog(component: string, level: LogLevel, dest: 1 | 2 = 1): Logger {
  return pino(
    {
      level,
      base: { component },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    // Written at once, so that the last line before an exit is not lost.
    pino.destination({ dest, sync: true }),
  )
}
