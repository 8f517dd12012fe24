/** Makes every image name run: the cluster's own components as they are, everything else simulated. */
import type { ImageDefinition, ImageRegistry } from '@ngrok/webernetes'
import { imageExists } from './image-reference.ts'

/** The images that the simulated control plane and its pods' sandboxes are made of. */
const OWN_IMAGES = /^(webernetes\/|registry\.k8s\.io\/pause[:@]|webernetes$)/

/**
 * Changes a cluster's registry in place (every node holds a reference to it).
 * @param simulated makes the program that stands for any image
 */
export function runEveryImage(registry: ImageRegistry, simulated: () => ImageDefinition): void {
  const own = { create: registry.create.bind(registry), has: registry.has.bind(registry) }
  registry.create = reference => {
    if (OWN_IMAGES.test(reference)) return own.create(reference)
    return imageExists(reference) ? simulated() : undefined
  }
  registry.has = reference => (OWN_IMAGES.test(reference) ? own.has(reference) : imageExists(reference))
  // Image garbage collection would take away components that can never be pulled again.
  registry.remove = () => undefined
}
