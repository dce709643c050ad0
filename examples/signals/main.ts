import { once, setMaxListeners } from 'node:events'
import { json, type SpawnedPeer, spawnPeer, typed } from 'strait'

const [, , scheme = 'unix:', first = '10'] = process.argv
const jobs = Array.from({ length: 10 }, (_, index) => Number(first) + index)
const peers: SpawnedPeer[] = []

// From here on neither signal ends this process by itself: the first asks it to end, another one insists. Two at the same
// moment may be one, because a standard signal is a flag and not a queue. Not SIGUSR1, with which Node starts its
// inspector, nor a real-time signal: Node accepts a listener, never calls it, and the signal kills.
const stop = new AbortController()
const stopped = once(stop.signal, 'abort')
setMaxListeners(0, stop.signal) // all ten starts listen to it
process.on('SIGINT', onSignal).on('SIGTERM', onSignal)

function onSignal(signal: NodeJS.Signals): void {
  if (!stop.signal.aborted) {
    console.log(`${signal}: the children finish what they are at`)
    stop.abort(signal)
  } else {
    console.log(`${signal} again: the children are killed`)
    for (const peer of peers) peer.kill('SIGKILL')
  }
}

console.log(`starting ten children; press Ctrl-C at any time, or run: kill ${process.pid}`)
try {
  await Promise.all(jobs.map(start))
  console.log('all ten are there')
  const workers = peers.map(({ channel }) => typed(channel, json))
  await Promise.all(workers.map((worker, index) => worker.send(jobs[index])))
  for (const [index, worker] of workers.entries()) {
    console.log(`fib(${jobs[index]}) = ${await worker.receive()}`)
  }
  if (!stop.signal.aborted) console.log('nothing more to do; they wait')
  await stopped
} catch (error) {
  // Starts were aborted, or killed children have failed their channels.
  if (!stop.signal.aborted) throw error
}

// A closed channel is what tells a child to end. One that does not within 5 s gets SIGTERM, after 10 s SIGKILL.
const exits = await Promise.all(peers.map((peer) => peer.close()))
const endings = exits.map(({ exitCode, signal }) => signal ?? exitCode).join(' ')
console.log(`the children ended with ${endings || 'SIGKILL, before they took part'}`)
console.log('nobody is left')

// Now let the signal do what it does to everybody, so that the shell knows what ended this program: 128 + 2, or + 15.
const last = stop.signal.reason as NodeJS.Signals
process.off(last, onSignal)
process.kill(process.pid, last)

async function start(): Promise<void> {
  peers.push(await spawnPeer(scheme, new URL('./worker.js', import.meta.url), { signal: stop.signal }))
}
