import { parentChannel } from 'strait'
import { answerQuestions, sayTid } from './strait-lane.js'

const channel = await parentChannel()
await sayTid(channel)
await answerQuestions(channel)
