/**
 * How a canary pod is kept away from users while it is tested: it runs, and no Service of the app gives it a
 * request. By a readiness gate that nobody opens; or by leaving out the label that the Services ask for.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate
 */
import type { PodTemplate } from './kubernetes.ts'

/** The condition that is never set: a pod whose template asks for it is never Ready. */
export const GATE = 'canaryhook.dev/live'

/** On the canary Deployment, not on its pods: `true` while it is made so that no user meets it, then `opened`. */
export const ISOLATED_LABEL = 'canaryhook.dev/isolated'
export const OPENED = 'opened'

/**
 * @param template the user's; a gate of his own stays
 * @param isolateKey a label to leave out in place of the gate, for load balancers that do not wait for Ready
 * @returns the template of a canary that is tested before users meet it
 */
export function isolateTemplate(template: PodTemplate, isolateKey?: string): PodTemplate {
  return isolateKey === undefined ? gated(template) : withoutLabel(template, isolateKey)
}

function gated(template: PodTemplate): PodTemplate {
  const others = (template.spec?.readinessGates ?? []).filter(({ conditionType }) => conditionType !== GATE)
  return { ...template, spec: { ...template.spec, readinessGates: [...others, { conditionType: GATE }] } }
}

function withoutLabel(template: PodTemplate, key: string): PodTemplate {
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([label]) => label !== key)
  return { ...template, metadata: { ...template.metadata, labels: Object.fromEntries(labels) } }
}
