/** Reads what an image reference says, as far as the simulation cares. */

/** Tags and registry hosts that stand for an image that cannot be pulled. */
const MISSING_TAG = /(^|-)does-not-exist($|-)/
const MISSING_HOST = 'missing.example'

export interface ImageReference {
  readonly repository: string
  /** The tag, `latest` when there is none; the digest when the image is named by digest alone. */
  readonly version: string
}

/** Splits `registry:5000/team/shop:v2@sha256:…` into its repository and the version it names. Never throws. */
export function parseImageReference(reference: string): ImageReference {
  const [tagged = '', digest] = reference.split('@', 2)
  const colon = tagged.lastIndexOf(':')
  // A colon before the last slash belongs to the registry's port.
  if (colon > tagged.lastIndexOf('/')) {
    return { repository: tagged.slice(0, colon), version: tagged.slice(colon + 1) }
  }
  return { repository: tagged, version: digest ?? 'latest' }
}

/**
 * Whether the simulated registry has the image. Everything exists but what says that it does not: a tag or
 * last part of the name that contains `does-not-exist`, or the registry host `missing.example`.
 */
export function imageExists(reference: string): boolean {
  const { repository, version } = parseImageReference(reference)
  const host = repository.split('/')[0]?.replace(/:\d+$/, '')
  const name = repository.split('/').at(-1) ?? ''
  return host !== MISSING_HOST && !MISSING_TAG.test(version) && !MISSING_TAG.test(name)
}
