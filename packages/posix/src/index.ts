export { check, isAgain, kernelError, type Meanings, type Native, native, supported } from './native.js'
export { Readiness } from './readiness.js'
export { BLOCK, Pollable } from './waiting.js'
