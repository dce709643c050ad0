import { parentChannel } from 'strait'
import { answerQuestions } from './strait-lane.js'

await answerQuestions(await parentChannel())
