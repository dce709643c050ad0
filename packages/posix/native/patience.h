// Whether it pays to wait awake, learnt from the waits before. For one end of a channel in shared memory, on one thread.
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cstdint>

namespace strait {

enum class Wait { spin, adaptive, park };

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

/// So many times `relax` takes so long. Measured once, for processors differ: about 10 cycles each before Skylake and about 140
/// since; Intel 64 and IA-32 Architectures Optimization Reference Manual, PAUSE.
inline uint32_t relaxesIn(uint64_t ns) {
  constexpr uint32_t kTimes = 256;
  static const uint64_t took = [] {
    uint64_t best = UINT64_MAX;
    // Of several: others may have the processor meanwhile.
    for (int round = 0; round < 5; round++) {
      const uint64_t begin = uv_hrtime();
      for (uint32_t i = 0; i < kTimes; i++) relax();
      best = std::min(best, uv_hrtime() - begin);
    }
    return std::max<uint64_t>(best, 1);
  }();
  return static_cast<uint32_t>(std::min<uint64_t>(ns * kTimes / took, UINT32_MAX - 1));
}

class Patience {
 public:
  /// `peer` is the process at the other end, 0 where it is not known; `scarce`: less than two processors may be used in
  /// all.
  Patience(Wait wait, pid_t peer, bool scarce) : wait_(wait), peer_(peer), scarce_(scarce) { count(); }

  // In place: some looks, one behind the other

  /// How many looks may spare a wait: none where the last wait was long, or others need the processor.
  uint32_t looks() const {
    if (wait_ == Wait::park || (wait_ == Wait::adaptive && (!soon_ || busy_ > 0))) return 0;
    return alone_ ? kYields : relaxesIn(kLookNs);
  }

  /// As `looks`, of a thread that blocks until then: this is its wait.
  uint32_t blockingLooks() {
    if (wait_ == Wait::spin) return UINT32_MAX;
    if (!startsAwake()) return 0;
    return alone_ ? kYields : relaxesIn(kSoonNs);
  }

  /// Between two looks. On one processor the other end has it meanwhile.
  void breathe() {
    if (!alone_) return relax();
    const uint64_t before = uv_hrtime();
    sched_yield();
    if (uv_hrtime() - before > kLateNs) busy_ = kBusyWaits;
    countAgain();
  }

  /// Who always spins, and has for so long: others have the processor for a moment, for one of them may be the very peer
  /// that is waited for. Where there are none it costs a call that does nothing.
  void giveWay(uint64_t waitedNs) {
    if (waitedNs > kPollNs) sched_yield();
  }

  void looked(bool found) {
    if (found) {
      vain_ = skips_ = 0;
    } else if (alone_) {
      soon_ = false;
    }
  }

  void blocked(bool found) {
    soon_ = found;
    if (found) {
      vain_ = skips_ = 0;
    } else if (wait_ == Wait::adaptive) {
      inVain();
    }
  }

  // In the event loop: a wait is some turns, and then sleep

  /// A wait begins with the next turn.
  void begin() { begun_ = false; }

  /// In a turn, before looking.
  void turn(uint64_t now) {
    late_ = begun_ && now - lastTurn_ > kLateNs && preempted();
    lastTurn_ = now;
    if (late_) busy_ = kBusyWaits;
  }

  void found(uint64_t now) {
    if (late_) return;
    soon_ = !begun_ || now - quietSince_ < kSoonNs;
    vain_ = skips_ = 0;
  }

  /// Nothing was found: whether the next turn shall look as well. `activity` is anything that changes as messages pass.
  bool goesOn(uint64_t now, uint64_t activity) {
    const bool first = !begun_;
    if (first || activity != activity_) quietSince_ = now;
    begun_ = true;
    activity_ = activity;
    if (wait_ == Wait::spin) {
      if (alone_ || late_) sched_yield();
      else giveWay(now - quietSince_);
      return true;
    }
    if (first && !startsAwake()) return false;
    if (alone_ || late_) return false;
    if (now - quietSince_ <= kPollNs >> std::min(vain_, 3u)) return true;
    inVain();
    return false;
  }

  void parked(uint64_t now) {
    parkedAt_ = now;
    soon_ = false;
    countAgain();
  }

  void woken() { soon_ = alone_ && uv_hrtime() - parkedAt_ < kPollNs; }

 private:
  /// So long looks in place go on: as a few turns of the event loop, which they may spare.
  static constexpr uint64_t kLookNs = 5'000;
  /// So many they are on one processor, where each lets the other end run.
  static constexpr uint32_t kYields = 4;
  /// A wait that was not longer than this may be spared by looks in place.
  static constexpr uint64_t kSoonNs = 20'000;
  /// After so long in vain it sleeps: about the time of two wake-ups; less where it has been in vain before.
  static constexpr uint64_t kPollNs = 150'000;
  /// Each time that it was in vain, twice as many of the next waits sleep at once, up to so many.
  static constexpr uint32_t kMostSkips = 16;
  /// Who comes so late to the next turn has perhaps had to leave the processor to somebody else. Then so many waits
  /// sleep at once: others need it more, perhaps the very peer that is waited for.
  static constexpr uint64_t kLateNs = 1'000'000;
  static constexpr uint32_t kBusyWaits = 64;
  /// On one processor: the processors are counted again after so many sleeps, or looks between which the other end had it.
  static constexpr uint32_t kCountEvery = 64;

  bool startsAwake() {
    if (wait_ == Wait::park) return false;
    if (busy_ > 0) {
      busy_--;
      return false;
    }
    if (skips_ > 0) {
      skips_--;
      return false;
    }
    return true;
  }

  void inVain() {
    vain_ = std::min(vain_ + 1, 16u);
    skips_ = std::min(1u << vain_, kMostSkips);
    count();
  }

  /// Affinities change: it counts anew when waiting awake was in vain, and now and then.
  void count() { alone_ = scarce_ || shareOneProcessor(peer_); }
  void countAgain() {
    if (alone_ && ++uncounted_ % kCountEvery == 0) count();
  }

  /// Whether this thread and that process have one processor for both; sched_getaffinity(2). Each may have its own.
  static bool shareOneProcessor(pid_t peer) {
    cpu_set_t ours;
    if (sched_getaffinity(0, sizeof ours, &ours) < 0 || CPU_COUNT(&ours) > 1) return false;
    cpu_set_t theirs;
    // Of whom nothing is known has all that there are.
    if (peer <= 0 || sched_getaffinity(peer, sizeof theirs, &theirs) < 0) return sysconf(_SC_NPROCESSORS_ONLN) < 2;
    CPU_OR(&theirs, &theirs, &ours);
    return CPU_COUNT(&theirs) < 2;
  }

  /// Whether this thread has had to leave the processor to another one since it was last asked; getrusage(2).
  bool preempted() {
    rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    const bool more = usage.ru_nivcsw != preemptions_;
    preemptions_ = usage.ru_nivcsw;
    return more;
  }

  Wait wait_;
  pid_t peer_;
  bool scarce_;
  /// There is one processor for both ends: who looks again keeps the other one from running.
  bool alone_ = false;
  /// The last wait was short.
  bool soon_ = false;
  /// So many waits in a row were awake in vain, and so many of the next sleep at once.
  uint32_t vain_ = 0;
  uint32_t skips_ = 0;
  /// In so many of the next waits others have the processor.
  uint32_t busy_ = 0;
  long preemptions_ = 0;
  uint32_t uncounted_ = 0;

  bool begun_ = false;
  bool late_ = false;
  uint64_t activity_ = 0;
  uint64_t quietSince_ = 0;
  uint64_t lastTurn_ = 0;
  uint64_t parkedAt_ = 0;
};

}  // namespace strait
