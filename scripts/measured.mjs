// Tables of what was measured, for the documents: from `Results` as `strait bench --output` writes them.

const MICROSECOND = 1000
/** The program that somebody would have written with Node and no more, by scheme: how the names of its rows begin. */
const BARE = {
  unix: 'net,',
  tcp: 'net,',
  fork: 'child_process',
  worker: 'MessagePort',
  ws: 'ws',
  'zmq+tcp': 'zeromq,',
  'zmq+ipc': 'zeromq,',
}

export const costHead = ['p50 µs', 'p99 µs', '× floor', '× bare Node']

/** Of 64 bytes there and back, one at a time. A row that is noisy says so in place of a number; '–': not measured. */
export function costOf({ rows }, scheme, mode = 'hot') {
  const of = rows.filter((row) => row.scheme === scheme && row.mode === mode && row.payloadBytes === 64)
  const ours = of.find(
    ({ url, peer, placement }) => url === `${scheme}:` && peer === undefined && placement !== 'same-core',
  )
  if (ours === undefined) return costHead.map(() => '–')
  if (ours.noisy) return costHead.map(() => 'noisy')
  const { p50, p99 } = ours.rttNs
  return [microseconds(p50), microseconds(p99), timesFloor(ours), timesBare(ours, of)]
}

const microseconds = (ns) => (ns / MICROSECOND).toFixed(ns < 10 * MICROSECOND ? 2 : 1)

function timesFloor({ ratioToFloor, floorSpread }) {
  if (ratioToFloor === null) return '–'
  return floorSpread !== null && floorSpread > 0.1 ? 'noisy' : ratioToFloor.toFixed(2)
}

/** To the quicker one where there are two. */
function timesBare({ scheme, placement, rttNs }, rows) {
  const bare = rows
    .filter(({ peer, placement: place }) => peer?.startsWith(BARE[scheme]) && place === placement)
    .sort((a, b) => a.rttNs.p50 - b.rttNs.p50)[0]
  if (bare === undefined) return '–'
  return bare.noisy ? 'noisy' : (rttNs.p50 / bare.rttNs.p50).toFixed(2)
}

/** The modes in which a scheme was measured, in the order of the page. */
export function modesOf({ rows }, scheme) {
  const measured = new Set(rows.filter((row) => row.scheme === scheme).map(({ mode }) => mode))
  return ['hot', 'paced', 'parked', 'sync'].filter((mode) => measured.has(mode))
}

/** Without it figures mean nothing. */
export function whereMeasured({ machine, date }) {
  const { cpu, cores, virtual, kernel, node } = machine
  const guest = virtual ? ', a virtual machine' : ''
  return `${cpu}, ${cores} cores${guest}, ${kernel}, Node ${node}, ${date.slice(0, 10)}.`
}
