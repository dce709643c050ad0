/**
 * Calls back after the event loop has had a turn: timers, input and other channels come first. `setImmediate` where
 * there is one; a browser has only messages.
 */
export const afterTurn: (callback: () => void) => void =
  typeof setImmediate === 'function'
    ? (callback) => {
        setImmediate(callback)
      }
    : (callback) => {
        const { port1, port2 } = new MessageChannel()
        const receiver: { onmessage?: () => void; close(): void } = port1
        receiver.onmessage = () => {
          receiver.close()
          callback()
        }
        port2.postMessage(undefined)
      }
