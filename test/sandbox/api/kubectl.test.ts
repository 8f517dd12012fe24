import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { type Sandbox, startSandbox } from '../../../src/sandbox/sandbox.ts'
import { hasKubectl, Kubectl } from './kubectl.ts'
import { deployment } from './manifests.ts'

let sandbox: Sandbox
let kubectl: Kubectl
beforeAll(async () => {
  sandbox = await startSandbox()
  kubectl = await Kubectl.for(sandbox)
})
afterAll(async () => {
  await kubectl.remove()
  await sandbox.stop()
})

const shop = (image: string, replicas = 2) =>
  stringify({
    ...deployment('shop', {
      spec: {
        replicas,
        template: {
          metadata: { labels: { app: 'shop' } },
          spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 8080 }] }] },
        },
      },
    }),
  })

describe('the real kubectl', hasKubectl() ? commands : absence)

function absence(): void {
  test('is not in PATH, which only CI requires', () => expect(process.env.CI ?? '').toBe(''))
}

function commands(): void {
  test('apply creates, changes, and finds nothing to change', async () => {
    expect(await kubectl.ok('apply -f -', { input: shop('shop:v1') })).toBe('deployment.apps/shop created\n')
    expect(await kubectl.ok('apply -f -', { input: shop('shop:v1') })).toBe(
      'deployment.apps/shop unchanged\n',
    )
    expect(await kubectl.ok('apply --dry-run=server -f -', { input: shop('shop:v2') })).toBe(
      'deployment.apps/shop configured (server dry run)\n',
    )
    expect((await kubectl.run(['diff', '-f', '-'], { input: shop('shop:v2') })).stdout).toMatch(
      /^\+.*image: shop:v2$/m,
    )
    expect(await kubectl.ok('apply -f -', { input: shop('shop:v2') })).toBe(
      'deployment.apps/shop configured\n',
    )
    expect(await kubectl.ok('rollout status deployment/shop --timeout=15s')).toContain(
      'successfully rolled out',
    )
  })

  test('get prints the columns of each kind', async () => {
    expect(await kubectl.ok('get deployments -o wide')).toMatch(
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nshop +2\/2 +2 +2 +\d+s +web +shop:v2 +app=shop\n$/,
    )
    expect(await kubectl.ok('get pods')).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE\n(shop-\S+ +[01]\/1 +\S+ +0 +\d+s\n)+$/,
    )
    expect(await kubectl.ok('get all')).toContain('replicaset.apps/shop-')
    expect(await kubectl.ok('get events')).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/)
    expect(await kubectl.ok('get namespaces')).toMatch(/default +Active/)
    expect(await kubectl.ok('get deployment shop -o jsonpath={.spec.replicas}')).toBe('2')
  })

  test('describe tells conditions and events', async () => {
    const described = await kubectl.ok('describe deployment shop')
    expect(described).toMatch(/Available +True +MinimumReplicasAvailable/)
    expect(described).toMatch(/Normal +ScalingReplicaSet/)
  })

  test('annotate, label, scale, set image and the three kinds of patch', async () => {
    await kubectl.ok('annotate deployment shop note=one')
    await kubectl.ok('label deployment shop tier=front')
    await kubectl.ok('scale deployment shop --replicas=3')
    await kubectl.ok('set image deployment/shop web=shop:v3')
    await kubectl.ok(
      'patch deployment shop --patch {"spec":{"template":{"spec":{"containers":[{"name":"web","workingDir":"/a"}]}}}}',
    )
    await kubectl.ok('patch deployment shop --type=merge --patch {"spec":{"minReadySeconds":1}}')
    await kubectl.ok(
      'patch deployment shop --type=json --patch [{"op":"replace","path":"/spec/minReadySeconds","value":0}]',
    )
    await kubectl.ok(
      'patch deployment shop --subresource=status --type=strategic --patch {"status":{"conditions":[{"type":"Stalled","status":"True"}]}}',
    )
    const stored = JSON.parse(await kubectl.ok('get deployment shop -o json')) as unknown
    expect(stored).toMatchObject({
      metadata: { annotations: { note: 'one' }, labels: { tier: 'front' } },
      spec: {
        replicas: 3,
        minReadySeconds: 0,
        template: { spec: { containers: [{ image: 'shop:v3', workingDir: '/a' }] } },
      },
      status: { conditions: expect.arrayContaining([expect.objectContaining({ type: 'Stalled' })]) },
    })
  })

  test('rollout history, undo and restart', async () => {
    await kubectl.ok('rollout status deployment/shop --timeout=15s')
    expect(await kubectl.ok('rollout history deployment/shop')).toMatch(/REVISION +CHANGE-CAUSE/)
    await kubectl.ok('rollout undo deployment/shop')
    await kubectl.ok('rollout restart deployment/shop')
    expect(await kubectl.ok('rollout status deployment/shop --timeout=15s')).toContain(
      'successfully rolled out',
    )
  })

  test('edit and replace', async () => {
    const editor = join(kubectl.directory, 'editor.sh')
    await writeFile(editor, '#!/bin/sh\nsed -i "s/tier: front/tier: back/" "$1"\n', { mode: 0o755 })
    await kubectl.ok('edit deployment shop', { env: { EDITOR: editor } })
    expect(await kubectl.ok('get deployments -l tier=back -o name')).toBe('deployment.apps/shop\n')
    expect(await kubectl.ok('replace -f -', { input: shop('shop:v1', 1) })).toBe(
      'deployment.apps/shop replaced\n',
    )
  })

  test('wait and logs', async () => {
    expect(await kubectl.ok('wait --for=condition=Available deployment/shop --timeout=10s')).toContain(
      'condition met',
    )
    expect(
      await kubectl.ok('wait --for=jsonpath={.status.readyReplicas}=1 deployment/shop --timeout=10s'),
    ).toContain('condition met')
    await vi.waitFor(async () => expect(await kubectl.ok('logs deployment/shop')).toContain('8080'), {
      timeout: 5000,
    })
  })

  test('get --watch prints changes as they come', async () => {
    const watching = kubectl.run(['get', 'configmaps', '--watch', '--request-timeout=4s', '--no-headers'])
    await vi.waitFor(
      () => expect(sandbox.requests.list({ verb: 'watch', resource: 'configmaps' })).toHaveLength(1),
      { timeout: 4000 },
    )
    await kubectl.ok('create configmap watched --from-literal=a=b')
    expect((await watching).stdout).toMatch(/^watched +1 +\d+s$/m)
  })

  test.each([
    ['create namespace team', 'get namespace team -o name'],
    ['create deployment made --image=made:v1 --replicas=0 --port=80', 'get deployment made -o name'],
    ['expose deployment made --port=80', 'get service made -o name'],
    ['create service clusterip direct --tcp=80:8080', 'get service direct -o name'],
    ['create secret generic hidden --from-literal=a=b', 'get secret hidden -o name'],
    ['create job once --image=tool:v1 -- true', 'get job once -o name'],
    ['create quota few --hard=pods=9', 'get resourcequota few -o name'],
    ['run single --image=tool:v1', 'get pod single -o name'],
  ])('%s', async (command, check) => {
    await kubectl.ok(command)
    expect(await kubectl.ok(check)).not.toBe('')
  })

  test('autoscale makes an autoscaler, get and describe show it', async () => {
    await kubectl.ok('create deployment scaled --image=scaled:v1 --replicas=2')
    expect(await kubectl.ok('autoscale deployment scaled --min=2 --max=5')).toBe(
      'horizontalpodautoscaler.autoscaling/scaled autoscaled\n',
    )
    expect(await kubectl.ok('get hpa')).toMatch(
      /^NAME +REFERENCE +TARGETS +MINPODS +MAXPODS +REPLICAS +AGE\nscaled +Deployment\/scaled +cpu: <unknown>\/80% +2 +5 +0 +\d+s\n$/,
    )
    expect(await kubectl.ok('describe hpa scaled')).toMatch(/Reference: +Deployment\/scaled/)
    expect(
      await kubectl.ok('get horizontalpodautoscalers.v1.autoscaling scaled -o jsonpath={.apiVersion}'),
    ).toBe('autoscaling/v1')
    await kubectl.ok('delete hpa,deployment scaled')
  })

  test('errors read as those of a real cluster', async () => {
    expect((await kubectl.run(['get', 'deployment', 'nope'])).stderr).toBe(
      'Error from server (NotFound): deployments.apps "nope" not found\n',
    )
    const negative = await kubectl.run(['patch', 'deployment', 'shop', '--patch', '{"spec":{"replicas":-1}}'])
    expect(negative.stderr).toBe(
      'The Deployment "shop" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0\n',
    )
    expect(
      (await kubectl.run(['apply', '--server-side', '-f', '-'], { input: shop('shop:v1') })).stderr,
    ).toContain('the sandbox does not do server-side apply')
  })

  test('delete takes what belongs to it', async () => {
    expect(await kubectl.ok('delete deployment shop made')).toBe(
      'deployment.apps "shop" deleted\ndeployment.apps "made" deleted\n',
    )
    await vi.waitFor(async () => expect(await kubectl.ok('get replicasets,deployments -o name')).toBe(''), {
      timeout: 5000,
    })
  })
}
