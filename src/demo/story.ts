/** What the demo does, from beginning to end. */
import type { Sandbox } from '../sandbox/sandbox.ts'
import { tallyStretch } from './measurement.ts'
import { Narrator } from './narrator.ts'
import type { Screen } from './screen.ts'
import { Shop } from './shop.ts'
import { countPods, type PodGroup, readyPods, type Snapshot } from './snapshot.ts'
import { tally } from './tally.ts'
import { startTraffic } from './traffic.ts'
import { type Check, judge, REPLICAS } from './verdict.ts'

const REQUEST_INTERVAL_MS = 20
const MOST_UNDERWAY = 25
const DEPLOY_LIMIT_MS = 30_000
const RELEASE_LIMIT_MS = 90_000
/** How long the shop is watched after the rejection. */
const AFTERWARDS_MS = 3000

const CRASHES = { 'sandbox.canaryhook.dev/restart-after': '2s' }
const IS_SLOW = { 'sandbox.canaryhook.dev/restart-after': null, 'sandbox.canaryhook.dev/latency': '700ms' }
const TEST = {
  'canaryhook.dev/steps': 'test, 10% for 12s, 50% for 8s',
  'canaryhook.dev/test': '{image: curl, command: [sh, -c, curl -fsS --max-time 0.4 $CANARY_URL]}',
}

/** Said at the top. */
export const OUTLINE: readonly string[] = [
  'Canaryhook in a Kubernetes cluster simulated in this process: about a minute,',
  'no network.',
  '',
  `  1. examples/shop.yaml is applied: ${REPLICAS} pods of shop:v1 behind a Service, which`,
  `     gets ${1000 / REQUEST_INTERVAL_MS} requests a second.`,
  '  2. shop:v2, a good version: canary at 10%, then 50%, then promoted.',
  '  3. shop:v3 becomes ready and serves, but crashes every 2 seconds: rejected',
  '     at 10%, while v2 goes on serving.',
  '  4. shop:v4 takes 0.7 seconds for an answer. From now on the plan begins with a',
  '     test, which gives it 0.4: rejected before any user met it.',
  '',
]

/**
 * Tells the story on the screen.
 * @returns what was promised and whether it happened
 * @throws CanaryhookError when a step of the story does not come
 */
export async function tellStory(
  sandbox: Sandbox,
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const startedAt = Date.now()
  const shop = new Shop(sandbox)
  const traffic = startTraffic(sandbox, {
    namespace: 'default',
    service: 'shop',
    port: 80,
    interval: REQUEST_INTERVAL_MS,
    most: MOST_UNDERWAY,
  })
  const narrator = new Narrator(shop, screen, traffic.samples, startedAt)
  const follow = (what: string, isSo: (snapshot: Snapshot) => boolean, limit: number) =>
    narrator.followUntil(what, isSo, limit, signal)
  const warned = (warnings: readonly string[]) => {
    for (const warning of warnings) narrator.say(`Warning: ${warning}`)
  }
  const release = async (
    image: string,
    comment = '',
    annotations?: Readonly<Record<string, string | null>>,
  ) => {
    narrator.say(`$ kubectl set image deployment/shop shop=${image}${comment}`)
    warned(await shop.release(image, annotations))
  }

  try {
    narrator.say('$ kubectl apply -f examples/shop.yaml')
    await shop.deploy()
    await follow('shop:v1 serves', ({ stable }) => only(stable, 'v1'), DEPLOY_LIMIT_MS)
    narrator.say(`${REPLICAS} pods of v1 serve; a first deployment is never a canary`)

    const goodFrom = Date.now()
    await release('shop:v2')
    const good = await follow('v2 is promoted or rejected', hasEnded('v2'), RELEASE_LIMIT_MS)
    const goodTo = Date.now()
    const first = narrator.measured[0]

    await release('shop:v3', '   # this one crashes every 2 seconds', CRASHES)
    const bad = await follow('v3 is rejected or promoted', hasEnded('v3'), RELEASE_LIMIT_MS)
    await follow('v2 has all its pods again', ({ stable }) => only(stable, 'v2'), RELEASE_LIMIT_MS)
    const badTo = Date.now()
    const last = await follow(
      'the shop is watched',
      ({ at }) => at >= badTo + AFTERWARDS_MS,
      RELEASE_LIMIT_MS,
    )

    for (const [key, value] of Object.entries(TEST)) {
      narrator.say(`$ kubectl annotate --overwrite deployment shop ${key}='${value}'`)
    }
    warned(await shop.annotate(TEST))
    const testedFrom = Date.now()
    await release('shop:v4', '   # this one is slow', IS_SLOW)
    const tested = await follow('v4 is rejected or promoted', hasEnded('v4'), RELEASE_LIMIT_MS)
    const testedTo = Date.now()

    const { samples } = traffic
    return judge({
      firstStep: first ? tallyStretch(samples, first.stretch, first.to) : tally([], 0),
      goodRelease: tally(samples, goodFrom, goodTo),
      goodPhase: good.phase ?? 'none',
      goodPods: readyPods(good.stable.filter(({ version }) => version === 'v2')),
      badRelease: tally(samples, goodTo, badTo),
      badPhase: bad.phase ?? 'none',
      badMessage: bad.message ?? '',
      afterwards: tally(samples, badTo, testedFrom),
      podsAfterwards: readyPods(last.stable.filter(({ version }) => version === 'v2')),
      testedRelease: tally(samples, testedFrom, testedTo),
      testedPhase: tested.phase ?? 'none',
      testedMessage: tested.message ?? '',
    })
  } finally {
    await traffic.stop()
  }
}

/** All replicas are ready, and of this version alone. */
function only(groups: readonly PodGroup[], version: string): boolean {
  return groups.length === 1 && groups[0]?.version === version && readyPods(groups) === REPLICAS
}

function hasEnded(version: string): (snapshot: Snapshot) => boolean {
  return ({ applied, phase, canary }) =>
    applied === version && (phase === 'Succeeded' || phase === 'Failed') && countPods(canary) === 0
}
