import type { Deployment } from '../../src/core/kubernetes.ts'

export const shop: Deployment = {
  metadata: { namespace: 'default', name: 'shop', annotations: { 'canaryhook.dev/steps': '10%' } },
  spec: { replicas: 10, selector: { matchLabels: { app: 'shop' } }, template: {} },
}

/** An AdmissionReview of an update of `shop`, with other fields of the request where a test wants them. */
export function reviewOf(request: Record<string, unknown> = {}): {
  apiVersion: string
  kind: string
  request: Record<string, unknown>
} {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'review-1',
      operation: 'UPDATE',
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      namespace: 'default',
      name: 'shop',
      userInfo: { username: 'alice' },
      object: shop,
      oldObject: shop,
      ...request,
    },
  }
}
