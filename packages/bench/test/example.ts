import { bench } from '@strait/bench'

const { rows, parts } = await bench({ urls: ['unix:', 'tcp:'], payloads: [64], peers: true, quick: true })
for (const { url, peer, rttNs } of rows) console.log(peer ?? url, rttNs.p50, rttNs.p99)
for (const { what, notes } of parts) if (notes.length > 0) console.log('do not quote', what, notes)
