import { curveKeyPair } from 'zeromq'

export interface CurveServer {
  /** This listener's own pair, as `curveKeyPair()` makes it: Z85, 40 characters each. */
  readonly publicKey: string
  readonly secretKey: string
}

export interface CurveClient {
  /** The public key of the listener. */
  readonly serverKey: string
  /** This end's own pair. Default: a fresh one. */
  readonly publicKey?: string | undefined
  readonly secretKey?: string | undefined
}

function checkKeys(keys: object): void {
  for (const [name, key] of Object.entries(keys)) {
    if (typeof key !== 'string' || !/^[0-9A-Za-z.\-:+=^!/*?&<>()[\]{}@%$#]{40}$/.test(key))
      throw new RangeError(`curve.${name} must be a key of 40 characters in Z85`)
  }
}

/** The options of a ZeroMQ socket that listens. */
export function serverOptions(curve: CurveServer | undefined): object {
  if (curve === undefined) return {}
  const { publicKey, secretKey } = curve
  checkKeys({ publicKey, secretKey })
  return { curveServer: true, curvePublicKey: publicKey, curveSecretKey: secretKey }
}

/** The options of a ZeroMQ socket that connects. */
export function clientOptions(curve: CurveClient | undefined): object {
  if (curve === undefined) return {}
  const { serverKey } = curve
  if ((curve.publicKey === undefined) !== (curve.secretKey === undefined))
    throw new RangeError('curve needs both publicKey and secretKey, or neither')
  const own =
    curve.publicKey === undefined
      ? curveKeyPair()
      : { publicKey: curve.publicKey, secretKey: curve.secretKey }
  checkKeys({ serverKey, ...own })
  return { curveServerKey: serverKey, curvePublicKey: own.publicKey, curveSecretKey: own.secretKey }
}
