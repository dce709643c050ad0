/**
 * How an end waits for a message, or for room; native/patience.h has the rules.
 *
 * - `spin`: always awake. It takes a processor for itself.
 * - `adaptive`: looks for some µs in place, then in each turn of the event loop; when nothing comes for a while it sleeps.
 * - `park`: sleeps at once.
 */
export const WAITS = ['spin', 'adaptive', 'park'] as const
export type Wait = (typeof WAITS)[number]
