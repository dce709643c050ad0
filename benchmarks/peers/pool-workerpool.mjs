// The same for workerpool, a dedicated worker.
import workerpool from 'workerpool'
import { add, fib, where } from './pool-jobs.mjs'

workerpool.worker({ add, fib, where })
