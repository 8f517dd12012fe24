/** Whether the demo kept what it promised. Pure. */
import { failures, percentOf, requestsOf, shareOf, type Tally } from './tally.ts'
import { percent } from './view.ts'

/** What was measured, in the order in which it happened. */
export interface Findings {
  /** While the 10% step of the good version stood. */
  readonly firstStep: Tally
  /** From the apply of the good version to the end of its promotion. */
  readonly goodRelease: Tally
  readonly goodPhase: string
  /** Ready pods of the good version afterwards, canary pods left out. */
  readonly goodPods: number
  /** From the apply of the bad version until its last pod was gone. */
  readonly badRelease: Tally
  readonly badPhase: string
  readonly badMessage: string
  /** From then on. */
  readonly afterwards: Tally
  readonly podsAfterwards: number
  /** From the apply of the version that its test rejects until its pod was gone. */
  readonly testedRelease: Tally
  readonly testedPhase: string
  readonly testedMessage: string
}

export interface Check {
  readonly ok: boolean
  /** What happened, with numbers; what was promised when it did not. */
  readonly sentence: string
}

export const REPLICAS = 10
const FIRST_WEIGHT = 10
/** How far a measured share may be from the one that was asked for, in points. */
const TOLERANCE = 3

export function judge(findings: Findings): readonly Check[] {
  const share = shareOf(findings.firstStep, 'v2')
  const goodFailures = failures(findings.goodRelease)
  const { badRelease } = findings
  const affected = requestsOf(badRelease, 'v3') + badRelease.unanswered
  const affectedShare = percentOf(affected, badRelease.total)
  const stableErrors = badRelease.versions.find(({ version }) => version === 'v2')?.errors ?? 0
  const v4Users = requestsOf(findings.testedRelease, 'v4')
  const v3Afterwards = requestsOf(findings.afterwards, 'v3')
  return [
    check(
      Math.abs(share - FIRST_WEIGHT) <= TOLERANCE,
      `v2 got ${percent(share)} of ${findings.firstStep.total} requests while its weight was ${FIRST_WEIGHT}%`,
      `within ${TOLERANCE} points`,
    ),
    check(
      findings.goodPhase === 'Succeeded' && findings.goodPods === REPLICAS,
      `v2 was promoted: phase ${findings.goodPhase}, ${findings.goodPods} of ${REPLICAS} pods ready`,
      `phase Succeeded and ${REPLICAS} pods`,
    ),
    check(
      goodFailures === 0,
      `${countOf(goodFailures)} of ${findings.goodRelease.total} requests failed during that release`,
      'none',
    ),
    check(
      findings.badPhase === 'Failed' && findings.badMessage.includes('restarted'),
      `v3 was rejected: phase ${findings.badPhase}${findings.badMessage && `, ${findings.badMessage}`}`,
      'phase Failed because of its restarts',
    ),
    check(
      affectedShare <= FIRST_WEIGHT + TOLERANCE && stableErrors === 0 && requestsOf(badRelease, 'v3') > 0,
      `${percent(affectedShare)} of ${badRelease.total} requests met v3 or its crashes, ${countOf(stableErrors)} failed on v2`,
      `some, at most ${FIRST_WEIGHT + TOLERANCE}%, and none on v2`,
    ),
    check(
      failures(findings.afterwards) === 0 && v3Afterwards === 0 && findings.podsAfterwards === REPLICAS,
      `afterwards ${findings.podsAfterwards} pods of v2 answered ${findings.afterwards.total} requests, ` +
        `${countOf(failures(findings.afterwards))} failed, ${countOf(v3Afterwards)} met v3`,
      `${REPLICAS} pods, none and none`,
    ),
    check(
      findings.testedPhase === 'Failed' && findings.testedMessage.includes('(test)'),
      `v4 was rejected: phase ${findings.testedPhase}${findings.testedMessage && `, ${findings.testedMessage}`}`,
      'phase Failed because of its test',
    ),
    check(
      failures(findings.testedRelease) === 0 && v4Users === 0,
      `${countOf(v4Users)} of ${findings.testedRelease.total} requests met v4, ` +
        `${countOf(failures(findings.testedRelease))} failed meanwhile`,
      'none and none',
    ),
  ]
}

function check(ok: boolean, happened: string, promised: string): Check {
  return { ok, sentence: ok ? happened : `${happened} (promised: ${promised})` }
}

function countOf(number: number): string {
  return number === 0 ? 'none' : String(number)
}
