export const notAFunction: number
export function fib(n: number): number
export function add(a: number, b: number): number
export function nothing(): void
export function pid(): number
export function echo(value: unknown): unknown
export function sleep(ms: number): Promise<void>
export function setUp(value: string): void
export function getState(): string
export function fail(message: string): never
export function spin(file?: string): never
export function heed(file: string): Promise<void>
export function insist(file: string): never
export function die(signal?: string): never
export function exit(code: number, words?: string): Promise<never>
export function record(file: string, line: string, ms?: number): string
export function meet(file: string, line: string, count?: number): number
export function hoard(bytes: number): number
