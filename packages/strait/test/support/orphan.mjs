import { parentChannel } from 'strait'

try {
  await parentChannel()
  console.log('joined')
} catch (error) {
  console.log(error.code)
}
