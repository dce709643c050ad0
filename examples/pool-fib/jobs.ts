const value = (n: number): number => (n < 2 ? 1 : value(n - 1) + value(n - 2))

export const fib = (n: number) => ({ n, value: value(n), pid: process.pid })
