#pragma once

namespace strait {

struct Poll;

/// Stops and closes a poll, once; its callback is not called any more.
void closePoll(Poll* poll);

}  // namespace strait
