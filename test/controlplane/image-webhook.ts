/** Somebody else's mutating webhook: it rewrites the images of the Deployments of one namespace. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import { createAuthority, issueLeaf } from '../../src/certs/certificates.ts'
import type { AdmissionRequest, Deployment } from '../../src/core/kubernetes.ts'
import type { ApiClient } from '../scenarios/api-client.ts'
import { configurations } from '../scenarios/registration.ts'

export interface ImageWebhook {
  /** From an image to another one; may be changed while it runs. */
  rewrite: (image: string) => string
  stop(): Promise<void>
}

/** What a registry would say a tag stands for: `shop:v1` is `shop@sha256:…`. */
export function pinned(image: string): string {
  const [name] = image.split(/[:@]/)
  return image.includes('@') ? image : `${name}@sha256:${createHash('sha256').update(image).digest('hex')}`
}

/**
 * Starts it and registers it by URL. Its rewriting begins with pinning tags to digests.
 * @param name of the configuration, by which webhooks are ordered
 */
export async function startImageWebhook(
  admin: ApiClient,
  name: string,
  namespace: string,
): Promise<ImageWebhook> {
  const validity = { now: Date.now(), days: 1 }
  const authority = createAuthority('image webhook', validity)
  const webhook: ImageWebhook = { rewrite: pinned, stop }
  const server = createServer(issueLeaf(authority, ['127.0.0.1'], validity), (request, response) => {
    text(request).then(body => {
      const { request: review } = JSON.parse(body) as { request: AdmissionRequest<Deployment> }
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(answer(review, webhook.rewrite)))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await admin.create(configurations, '', registration(name, namespace, port, authority.cert))
  return webhook

  async function stop(): Promise<void> {
    await admin.remove(configurations, { namespace: '', name })
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

function registration(name: string, namespace: string, port: number, ca: string) {
  const key = 'kubernetes.io/metadata.name'
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'images.example.com',
        admissionReviewVersions: ['v1'],
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(ca).toString('base64'),
        },
        rules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['deployments'],
          },
        ],
        namespaceSelector: { matchExpressions: [{ key, operator: 'In', values: [namespace] }] },
        sideEffects: 'None',
        failurePolicy: 'Ignore',
      },
    ],
  }
}

function answer({ uid, object }: AdmissionRequest<Deployment>, rewrite: (image: string) => string) {
  const containers = object?.spec.template.spec?.containers ?? []
  const patch = containers.flatMap(({ image = '' }, index) => {
    const value = rewrite(image)
    const path = `/spec/template/spec/containers/${index}/image`
    return value === image ? [] : [{ op: 'replace', path, value }]
  })
  const encoded = Buffer.from(JSON.stringify(patch)).toString('base64')
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...(patch.length > 0 && { patchType: 'JSONPatch', patch: encoded }) },
  }
}
