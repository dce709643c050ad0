// Places at which a test can stop this process, to kill it there.
#pragma once

#include <atomic>
#include <cstdint>

namespace strait::locks {

/// Each between two steps of which somebody else sees the first.
#define STRAIT_POINTS(point)                                                                     \
  point(monitorEnter) point(monitorSleep) point(monitorWoken) point(monitorLeave) point(monitorWake) \
  point(attachListed) point(attachLived) point(attachRung)                                       \
  point(detachStripped) point(detachRetired)                                                         \
  point(waitAllocated) point(waitQueued) point(waitMarked)                                       \
  point(takeStarted) point(takeDone)                                                             \
  point(releaseStarted) point(releaseFreed) point(releaseOffered) point(releaseLeft)             \
  point(cancelRemoved)                                                                           \
  point(forgetTotal) point(addDone)                                                              \
  point(eventSet) point(barrierOpened) point(granted)                                            \
  point(conditionQueued) point(notifyMoved) point(notifyAll)                                     \
  point(reapSeen) point(reapEnded) point(reapWaiters) point(reapOwned) point(reapHeld) point(reapFreed) point(rebuildLists) \
  point(blockWoken) point(drainTaken) point(passedOn)

#define STRAIT_POINT_NAME(name) name,
enum class Point : int32_t { STRAIT_POINTS(STRAIT_POINT_NAME) count };
#undef STRAIT_POINT_NAME

/// Where to stop; -1: nowhere.
inline std::atomic<int32_t> stopPoint = -1;
inline std::atomic<int32_t> stopCount = 0;

/// Stops the process; in sync.cc.
void stopHere();

inline void at(Point point) {
  if (stopPoint.load(std::memory_order_relaxed) == static_cast<int32_t>(point)) [[unlikely]] stopHere();
}

}  // namespace strait::locks
