import { parentChannel } from 'strait'
import { serveLane } from './strait-lane.js'

await serveLane(await parentChannel())
