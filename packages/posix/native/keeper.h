// The thread that an environment keeps for its locks: it is the life of its slots, watches over one neighbour in each
// region, and hears what is rung.
#pragma once

#include <linux/futex.h>
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "region.h"
#include "waitv.h"

namespace strait::locks {

class Keeper;

/// One region of an environment.
struct Attachment {
  Region* region;
  /// The eventfd of the event loop.
  int event;
  /// The environment's.
  uint32_t thread;
  /// Where the region has a name, which goes with its last user.
  std::string path;
  int descriptor = -1;
  Keeper* keeper = nullptr;
  uint32_t slot = 0;

  // The keeper's own
  uint32_t bell = 0;
  uint32_t watched = 0;
  uint32_t life = 0;
  /// The event loop was told at some time, ns; 0: not, or it has looked since.
  uint64_t told = 0;
  uint32_t drains = 0;
};

/// The nodes of the robust list, with which the kernel finds the life of each slot, stand before the region in memory of
/// this process, so that nobody else can write them.
constexpr size_t kShadow = sizeof(Region);

/// Maps a region and its shadow; nullptr: errno says why.
void* mapRegion(int descriptor);
void unmapRegion(void* base);
inline Region* regionAt(void* base) { return reinterpret_cast<Region*>(static_cast<char*>(base) + kShadow); }

class Keeper {
 public:

  /// nullptr: there can be no more threads.
  static Keeper* start();
  /// Ends the thread.
  ~Keeper();
  Keeper(const Keeper&) = delete;

  size_t size() const { return attachments_.size(); }
  /// Regions that it can keep: it sleeps on two words of each.
  size_t most() const { return words_.most() / 2; }

  /// Takes a slot, in the thread itself, so that the thread cannot end between the one step and the next while another
  /// goes on. 0; -ENOSPC: there are too many; -ESTALE: the region is retired.
  int64_t attach(Attachment* attachment);
  /// Gives it back, with all that it has.
  void detach(Attachment* attachment);

 private:
  enum class Order { kNone, kAttach, kDetach, kEnd };

  Keeper() = default;
  int64_t order(Order order, Attachment* attachment);
  void run();
  int64_t obey();
  int64_t enter(Attachment* attachment);
  int64_t takeSlot(Attachment* attachment);
  void leave(Attachment* attachment);
  void hear(Attachment* attachment, uint64_t now);
  void watch(Attachment* attachment);
  void reap(Region& region, uint32_t slot);
  void reapAll(Region& region);
  void sleep();

  void enlist(Attachment* attachment);
  void delist(Attachment* attachment);

  pthread_t thread_{};
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t done_ = PTHREAD_COND_INITIALIZER;
  /// Changes with each order.
  std::atomic<uint32_t> orders_ = 0;
  Order order_ = Order::kNone;
  Attachment* subject_ = nullptr;
  int64_t result_ = 0;

  WaitV words_{&orders_};
  robust_list_head list_{};
  std::vector<Attachment*> attachments_;
};

}  // namespace strait::locks
