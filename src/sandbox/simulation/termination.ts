/** How a container's end is told in its status, as containerd and the kubelet tell it. */
import type { ProcessContext } from '@ngrok/webernetes'
import type { ContainerLog } from './container-logs.ts'

export const TERMINATION_LOG = '/dev/termination-log'

// kubernetes/pkg/kubelet/container/runtime.go: MaxContainerTerminationMessageLogLength and …LogLines.
const LOG_CHARACTERS = 2048
const LOG_LINES = 80

/** Why a container could not start, in containerd's words; undefined for one that ran. */
export interface FailedStart {
  readonly message: string
}

/** The code that containerd gives a container that could not be started. */
export const START_ERROR_EXIT_CODE = 128

/**
 * Completes what the runtime says about a container with `reason` and `message`: the file at
 * terminationMessagePath, or with FallbackToLogsOnError the end of the log.
 */
export function describeTermination(
  container: ProcessContext['container'],
  log: ContainerLog,
  failedStart: () => FailedStart | undefined,
): void {
  const status = container.status.bind(container)
  let finishedAt: number | undefined
  container.status = () => {
    const current = status()
    if (current.state !== 'Exited') return current
    // Clearing away what is left of a container would move the time of its end.
    finishedAt ??= current.finishedAt
    const known = finishedAt === undefined ? current : { ...current, finishedAt }
    const failure = failedStart()
    if (failure) return { ...known, reason: 'StartError', message: failure.message }
    const exitCode = known.exitCode ?? 0
    const reason = exitCode === 0 ? 'Completed' : 'Error'
    const message = terminationMessage(container, log, exitCode)
    return message === '' ? { ...known, reason } : { ...known, reason, message }
  }
}

function terminationMessage(
  container: ProcessContext['container'],
  log: ContainerLog,
  exitCode: number,
): string {
  const { terminationMessagePath, terminationMessagePolicy } = container.apiContainer
  const written = container.fs.read(terminationMessagePath || TERMINATION_LOG) ?? ''
  if (written !== '' || terminationMessagePolicy !== 'FallbackToLogsOnError' || exitCode === 0) {
    return written
  }
  return log.text.split('\n').slice(-LOG_LINES).join('\n').slice(-LOG_CHARACTERS)
}
