/** What a person reads about one Deployment: what it was found in, and what became of it. Pure. */
import { isName, type KeptDeployment } from '../kept.ts'
import type { PodTemplate } from '../kubernetes.ts'
import { stagePosition } from '../plan/expand.ts'
import { isLive, readState, type State } from '../state.ts'
import { stagesOf } from '../weights.ts'
import type { FormerVersion } from './former-version.ts'
import type { Deed, Step } from './next-step.ts'

export interface Story {
  /** In words: `its release of shop:v2 was at step 2 of 3 (50%)`; undefined where no release lived. */
  readonly found: string | undefined
  /** Its images, when it was found. */
  readonly images: string
  /** It was being rolled out. */
  readonly promoting: boolean
  readonly deeds: ReadonlySet<Deed | 'sweep'>
  /** The images that were put into its template again. */
  readonly former: string | undefined
}

/** The beginning: what it is found in. */
export function beginStory(deployment: KeptDeployment): Story {
  const read = readState(deployment.metadata.annotations)
  const images = imagesOf(deployment.spec.template)
  const state = read.kind === 'ok' && isLive(read.state) ? read.state : undefined
  const found = state ? foundIn(state, images) : read.kind === 'unreadable' ? read.why : undefined
  return { found, images, promoting: state?.phase === 'Promoting', deeds: new Set(), former: undefined }
}

/** One more thing that was done. */
export function withDeed(story: Story, deed: Deed | 'sweep', former?: FormerVersion): Story {
  const images = former?.kind === 'other' ? imagesOf(former.set.spec.template) : story.former
  return { ...story, deeds: new Set([...story.deeds, deed]), former: images }
}

function foundIn(state: State, images: string): string {
  const stage = stagesOf(state)[state.step]
  switch (state.phase) {
    case 'Pending':
      return `its release of ${images} was about to start`
    case 'Progressing':
      return `its release of ${images} was at ${stage ? `${stagePosition(stage)} (${stage.label})` : 'its end'}`
    case 'Promoting':
      return `${images} had been accepted and was being rolled out`
    case 'Failed':
      return `its release of ${images} had failed and was held`
    default:
      return `it was going back to the version that serves`
  }
}

/** The end, in one sentence; undefined where there was nothing to do. */
export function endOf(
  { found, images, promoting, deeds, former }: Story,
  { spec }: KeptDeployment,
): string | undefined {
  const pods = podCount(spec.replicas ?? 1)
  if (found !== undefined && deeds.size === 0) return `${found}; it was deleted meanwhile`
  if (former !== undefined) {
    const start = found === undefined ? 'it was paused by a release' : found
    const aborted = deeds.has('abort') ? ' and was aborted' : ''
    return `${start}${aborted}; ${former} serves on ${pods} and is in its template again. To roll out ${images} without a canary, apply it again`
  }
  if (promoting) return `${found}; it serves on ${pods}`
  if (found !== undefined) return `${found}; un-paused, ${pods}`
  return deeds.size > 0 ? 'at rest; what was kept about its last release was removed' : undefined
}

/** What would be done, for --dry-run; undefined where nothing would. @param deed the first step */
export function planOf(
  { found }: Story,
  deed: Deed | Step['kind'],
  former: string | undefined,
): string | undefined {
  if (deed === 'done') return undefined
  const back = former === undefined ? 'un-paused' : `${former} put into its template again and un-paused`
  if (found === undefined) return 'at rest; what is kept about its last release would be removed'
  if (deed === 'abort') return `${found}; it would be aborted, ${back}`
  if (deed === 'wait') return `${found}; that would be waited for`
  if (deed === 'retry') return `${found}; that would be tried once more`
  return `${found}; it would have ${back}`
}

/** `shop:v2`, or several, as the containers have them. */
export function imagesOf(template: PodTemplate | { readonly hash: string }): string {
  if (isName(template)) return ''
  const images = (template.spec?.containers ?? []).map(({ image = '' }) => image.replace(/^.*\//, ''))
  return images.length > 0 ? images.join(' + ') : 'a template without containers'
}

function podCount(replicas: number): string {
  return replicas === 1 ? '1 pod' : `${replicas} pods`
}
