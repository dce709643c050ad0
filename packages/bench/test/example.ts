import { bench } from '@strait/bench'

const { rows, notes } = await bench({ urls: ['unix:', 'tcp:'], payloads: [64], peers: true, quick: true })
for (const { url, peer, rttNs } of rows) console.log(peer ?? url, rttNs.p50, rttNs.p99)
if (notes.length > 0) console.log('do not quote this run:', notes)
