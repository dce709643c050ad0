// There and back without a copy; https://github.com/piscinajs/piscina#static-method-movevalue
import { move } from 'piscina'

export const echo = (bytes) => move(bytes)
