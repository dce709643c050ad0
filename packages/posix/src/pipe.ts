import { check, native } from './native.js'
import { PipeReader, PipeWriter } from './pipe-ends.js'
import { checkLength } from './scratch.js'
import { Pollable } from './waiting.js'

export interface PipeOptions {
  /** How many bytes it is to hold at least. 64 KiB unless told. */
  size?: number | undefined
}

/** An anonymous pipe: what goes in at the one end comes out at the other, in order; pipe(2), pipe(7). */
export class Pipe implements Disposable {
  readonly reader: PipeReader
  readonly writer: PipeWriter
  /** How many bytes it holds. */
  readonly size: number

  private constructor(reader: PipeReader, writer: PipeWriter, size: number) {
    this.reader = reader
    this.writer = writer
    this.size = size
  }

  /**
   * Makes a pipe. The two ends are closed each by itself.
   *
   * - Errors: `RangeError` for a size that is no number of bytes; `NO_RESOURCES` a larger one than this user may have,
   *   or too many open files.
   */
  static create({ size }: PipeOptions = {}): Pipe {
    if (size !== undefined) checkLength('size', size)
    const system = native('create')
    const ends = new Int32Array(2)
    check(system.pipe(0, ends), 'create', 'pipe')
    const reader = new PipeReader(new Pollable(ends[0]!, 'pipe'))
    const writer = new PipeWriter(new Pollable(ends[1]!, 'pipe'))
    try {
      if (size !== undefined) check(system.setPipeSize(ends[1]!, size), 'create', 'pipe', SIZING)
      return new Pipe(reader, writer, check(system.pipeSize(ends[1]!), 'create', 'pipe'))
    } catch (error) {
      reader.close()
      writer.close()
      throw error
    }
  }

  /** Closes both ends. */
  close(): void {
    this.reader.close()
    this.writer.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

const SIZING = {
  EPERM: [
    'NO_RESOURCES',
    'the size is beyond what a user may have; `sysctl fs.pipe-max-size fs.pipe-user-pages-soft` shows and raises it',
  ],
} as const
