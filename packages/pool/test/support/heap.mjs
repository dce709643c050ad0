export const same = (value) => value

/** After a collection, for which the worker needs --expose-gc. */
export function heapUsed() {
  gc()
  return process.memoryUsage().heapUsed
}
