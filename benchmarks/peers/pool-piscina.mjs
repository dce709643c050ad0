// The same for piscina and tinypool, whose functions have one argument.
import { fib, where } from './pool-jobs.mjs'

export { fib, where }
export const add = ({ a, b }) => a + b
