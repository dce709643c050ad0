// Locks and their kin, in memory that processes share: what JavaScript calls of it.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <iterator>
#include <vector>

#include "addon.h"
#include "keeper.h"
#include "locks.h"
#include "memory.h"

namespace strait {
namespace locks {

void stopHere() {
  if (stopCount.fetch_sub(1) != 1) return;
  stopPoint = -1;
  // Directed at this thread: it takes it before it goes on, and all the others stop.
  syscall(SYS_tgkill, getpid(), threadId(), SIGSTOP);
}

namespace {

constexpr napi_type_tag kAttachmentTag = {0x6d1f3a87c2b94e05, 0x93e7d05a1c6b48f2};

/// An environment is a thread, and has as many keepers as its regions need.
thread_local std::vector<Keeper*> keepers;

struct Handle {
  napi_env env;
  /// What is mapped stays as long as it is attached.
  napi_ref region;
  Attachment attachment;
  bool attached;
};

void detach(Handle* handle) {
  if (!handle->attached) return;
  handle->attached = false;
  Keeper* keeper = handle->attachment.keeper;
  keeper->detach(&handle->attachment);
  if (keeper->size() > 0) return;
  keepers.erase(std::find(keepers.begin(), keepers.end(), keeper));
  delete keeper;
}

/// No JavaScript runs any more. What is held is as its owner's death left it.
void onEnd(void* data) { detach(static_cast<Handle*>(data)); }

Attachment* attachmentOf(Arguments& arguments) {
  bool ours = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(arguments.env(), arguments.value(0), &kAttachmentTag, &ours) != napi_ok || !ours) {
    return nullptr;
  }
  napi_get_value_external(arguments.env(), arguments.value(0), &data);
  auto* handle = static_cast<Handle*>(data);
  return handle->attached ? &handle->attachment : nullptr;
}

/// (descriptor) → a region of memory, or -errno.
napi_value map(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int descriptor = arguments.integer(0);
  if (!arguments.valid()) return integer(env, -EINVAL);
  void* base = mapRegion(descriptor);
  if (base == nullptr) return integer(env, -errno);
  return makeRegion(env, regionAt(base), sizeof(Region), true,
                    [](void* memory, size_t) { unmapRegion(static_cast<char*>(memory) - kShadow); });
}

int64_t enter(Attachment* attachment) {
  for (Keeper* keeper : keepers) {
    if (keeper->size() < keeper->most()) attachment->keeper = keeper;
  }
  if (attachment->keeper == nullptr) {
    attachment->keeper = Keeper::start();
    if (attachment->keeper == nullptr) return -EAGAIN;
    keepers.push_back(attachment->keeper);
  }
  const int64_t result = attachment->keeper->attach(attachment);
  if (result < 0 && attachment->keeper->size() == 0) {
    keepers.erase(std::find(keepers.begin(), keepers.end(), attachment->keeper));
    delete attachment->keeper;
  }
  return result;
}

/// (region, its descriptor, its path, if it has one that goes with the last user, eventfd that tells of news, scarce:
/// less than two processors may be used) → an attachment, or -errno.
napi_value attach(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Bytes memory = memoryOf(env, arguments.value(0));
  const int descriptor = arguments.integer(1);
  char path[PATH_MAX];
  if (!arguments.text(2, path, sizeof path)) return integer(env, -EINVAL);
  const int event = arguments.integer(3);
  const bool scarce = arguments.truth(4);
  if (!arguments.valid() || memory.length != sizeof(Region)) return integer(env, -EINVAL);
  if (!RobustList::ofThisThread().known()) return integer(env, -ENOSYS);
  cpu_set_t processors;
  manyProcessors = !scarce && sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) > 1;
  auto* handle = new Handle{env, nullptr, {reinterpret_cast<Region*>(memory.data), event, threadId(), path, descriptor}, false};
  const int64_t result = enter(&handle->attachment);
  if (result < 0) {
    delete handle;
    return integer(env, result);
  }
  handle->attached = true;
  napi_create_reference(env, arguments.value(0), 1, &handle->region);
  napi_add_env_cleanup_hook(env, onEnd, handle);
  napi_value external = nullptr;
  const napi_status status = napi_create_external(
      env, handle,
      [](napi_env env, void* data, void*) {
        auto* handle = static_cast<Handle*>(data);
        napi_remove_env_cleanup_hook(env, onEnd, handle);
        detach(handle);
        napi_delete_reference(env, handle->region);
        delete handle;
      },
      nullptr, &external);
  if (status != napi_ok) return nullptr;  // the environment is ending
  napi_type_tag_object(env, external, &kAttachmentTag);
  return external;
}

/// (attachment) Gives the slot back.
int64_t detach(Arguments& arguments) {
  if (attachmentOf(arguments) == nullptr) return -EINVAL;
  void* data = nullptr;
  napi_get_value_external(arguments.env(), arguments.value(0), &data);
  detach(static_cast<Handle*>(data));
  return 0;
}

int64_t slotOf(Arguments& arguments) {
  const Attachment* attachment = attachmentOf(arguments);
  return attachment == nullptr ? -EINVAL : attachment->slot;
}

/// (attachment, type, name, a, b) → the index of the object.
int64_t object(Arguments& arguments) {
  Attachment* attachment = attachmentOf(arguments);
  const int type = arguments.integer(1);
  char name[Object::kName];
  if (!arguments.text(2, name, sizeof name)) return -EINVAL;
  const int a = arguments.integer(3);
  const int b = arguments.integer(4);
  if (attachment == nullptr || !arguments.valid()) return -EINVAL;
  return Session(*attachment->region)
      .object(static_cast<Type>(type), name, static_cast<uint32_t>(a), static_cast<uint32_t>(b));
}

/// What most calls begin with: (attachment, object, number).
struct Subject {
  explicit Subject(Arguments& arguments)
      : attachment(attachmentOf(arguments)), index(static_cast<uint32_t>(arguments.integer(1))),
        number(arguments.count() > 2 ? static_cast<uint32_t>(arguments.integer(2)) : 0),
        valid(attachment != nullptr && arguments.valid() && index < kWaiters) {}
  Region& region() const { return *attachment->region; }
  Object& object() const { return region().object(index); }
  Waiter& waiter() const { return region().waiter(index); }
  uint32_t slot() const { return attachment->slot; }

  Attachment* attachment;
  uint32_t index;
  uint32_t number;
  bool valid;
};

template <int64_t (*operation)(Session&, const Subject&)>
int64_t inSession(Arguments& arguments) {
  const Subject subject(arguments);
  if (!subject.valid) return -EINVAL;
  Session session(subject.region(), subject.slot());
  return operation(session, subject);
}

int64_t remove(Session& session, const Subject& subject) { return session.remove(subject.object()); }
int64_t tryTake(Session& session, const Subject& subject) {
  return session.tryTake(subject.object(), subject.slot(), subject.number);
}
int64_t cancel(Session& session, const Subject& subject) { return session.cancel(subject.waiter(), subject.slot()); }
int64_t release(Session& session, const Subject& subject) {
  return session.release(subject.object(), subject.slot(), subject.number);
}
int64_t markConsistent(Session& session, const Subject& subject) {
  return session.markConsistent(subject.object(), subject.slot());
}
int64_t add(Session& session, const Subject& subject) { return session.add(subject.object(), subject.number); }
int64_t forget(Session& session, const Subject& subject) { return session.forget(subject.object(), subject.slot()); }
int64_t set(Session& session, const Subject& subject) {
  session.set(subject.object());
  return 0;
}
int64_t clear(Session& session, const Subject& subject) {
  session.clear(subject.object());
  return 0;
}
int64_t notify(Session& session, const Subject& subject) {
  session.notify(subject.object(), subject.number);
  return 0;
}
int64_t notifyAll(Session& session, const Subject& subject) {
  session.notifyAll(subject.object());
  return 0;
}
int64_t breakBarrier(Session& session, const Subject& subject) {
  session.breakBarrier(subject.object(), subject.number);
  return 0;
}
int64_t resetBarrier(Session& session, const Subject& subject) {
  session.resetBarrier(subject.object());
  return 0;
}
int64_t waitForNotice(Session& session, const Subject& subject) {
  return session.waitForNotice(subject.object(), subject.slot(), subject.number != 0);
}
int64_t check(Session& session, const Subject&) { return session.check(); }

/// In breaths, relax(), of some 25 ns each: whoever looks again after less takes the word away after one section of the
/// other, and both go at the pace of the cache line.
constexpr int kFirstPause = 64;
constexpr int kLongestPause = 256;

/// Some looks at a mutex that will soon be free; most sections are shorter than a queue. Whether it was.
bool takenSoon(Object& object, uint32_t slot, int looks) {
  if (object.type.load(std::memory_order_relaxed) != kMutex || !manyProcessors) return false;
  for (int pause = kFirstPause; looks > 0; looks--) {
    uint32_t seen = object.word.load(std::memory_order_relaxed);
    // While this thread looks, no task of its own gives it back.
    if ((seen & kPoisoned) != 0 || (seen & kOwner) == slot) return false;
    // Pairs with release.
    if ((seen & (kOwner | kStarving | kDied)) == 0 &&
        object.word.compare_exchange_weak(seen, seen | slot, std::memory_order_acquire, std::memory_order_relaxed)) {
      return true;
    }
    // Each look takes the word's cache line away from whoever is at work: so they become rarer.
    for (int breaths = 0; breaths < pause; breaths++) relax();
    pause = std::min(2 * pause, kLongestPause);
  }
  return false;
}

/// A thread that blocks looks for about as long as a wake-up takes; an event loop has other things to do.
constexpr int kLooks = 4;
constexpr int kBlockingLooks = 10;

/// (attachment, object, op, blocking) → the outcome, or kWaits and the waiter.
int64_t wait(Arguments& arguments) {
  const Subject subject(arguments);
  const bool blocking = arguments.truth(3);
  if (!subject.valid || !arguments.valid()) return -EINVAL;
  if (takenSoon(subject.object(), subject.slot(), blocking ? kBlockingLooks : kLooks)) return 0;
  return Session(subject.region(), subject.slot()).wait(subject.object(), subject.slot(), subject.number, blocking);
}

/// (attachment, waiter, ms) → the outcome; -EAGAIN: not within that time. Blocks the thread.
int64_t block(Arguments& arguments) {
  const Subject subject(arguments);
  if (!subject.valid) return -EINVAL;
  Slot& slot = subject.region().slot(subject.slot());
  Waiter& waiter = subject.waiter();
  if (waiter.slot != subject.slot() || waiter.blocking == 0) return -EINVAL;
  const uint64_t until = now() + uint64_t{subject.number} * 1'000'000;
  for (;;) {
    // Pairs with the end of a session.
    const uint32_t bell = slot.syncBell.load(std::memory_order_acquire);
    if (waiter.offered.load(std::memory_order_acquire) != 0) {
      Session session(subject.region(), subject.slot());
      Outcome outcome;
      if (session.serve(waiter, outcome)) return outcome;
    }
    const uint64_t time = now();
    if (time >= until) return -EAGAIN;
    const timespec limit = {static_cast<time_t>((until - time) / 1'000'000'000),
                            static_cast<long>((until - time) % 1'000'000'000)};
    futex(&slot.syncBell, FUTEX_WAIT, bell, &limit);
    at(Point::blockWoken);
  }
}

/// So many are served in one go.
constexpr size_t kServed = 256;

/// (attachment, pairs) → how many pairs of waiter and outcome; when as many as fit, there may be more.
int64_t drain(Arguments& arguments) {
  Attachment* attachment = attachmentOf(arguments);
  const Ints pairs = arguments.ints(1);
  if (attachment == nullptr || !arguments.valid()) return -EINVAL;
  const size_t most = std::min(pairs.length / 2, kServed);
  uint64_t count;
  if (read(attachment->event, &count, sizeof count) < 0 && errno != EAGAIN) return -errno;
  size_t served = 0;
  Session session(*attachment->region, attachment->slot);
  // Each leaves the list, but more may come.
  for (uint32_t left = kWaiters; served < most && left > 0; left--) {
    Waiter* waiter = session.nextRung(attachment->slot);
    if (waiter == nullptr) break;
    Outcome outcome;
    if (!session.serve(*waiter, outcome)) continue;
    pairs.data[2 * served] = static_cast<int32_t>(attachment->region->indexOf(*waiter));
    pairs.data[2 * served + 1] = static_cast<int32_t>(outcome);
    served++;
  }
  session.drained(attachment->slot);
  return static_cast<int64_t>(served);
}

/// (attachment, object, numbers) Its word, a, b, how many wait, what is held in all and by this slot, broken, last pid.
int64_t state(Arguments& arguments) {
  Attachment* attachment = attachmentOf(arguments);
  const int index = arguments.integer(1);
  const Ints numbers = arguments.ints(2);
  if (attachment == nullptr || !arguments.valid() || numbers.length < 8) return -EINVAL;
  Region& region = *attachment->region;
  Session session(region);
  const Object& object = region.object(static_cast<uint32_t>(index));
  const uint32_t held = region.holders[region.indexOf(object)][attachment->slot].load(std::memory_order_relaxed);
  const uint32_t values[] = {object.word.load(std::memory_order_relaxed), object.a, object.b, object.queued, object.sum,
                             held, object.broken, object.lastPid};
  for (size_t i = 0; i < 8; i++) numbers.data[i] = static_cast<int32_t>(values[i]);
  return 0;
}

constexpr const char* kPoints[] = {
#define STRAIT_POINT_TEXT(name) #name,
    STRAIT_POINTS(STRAIT_POINT_TEXT)
#undef STRAIT_POINT_TEXT
};

/// () → the names of the places at which a test can stop a process.
napi_value points(napi_env env, napi_callback_info) {
  napi_value names;
  napi_create_array(env, &names);
  for (uint32_t i = 0; i < std::size(kPoints); i++) {
    napi_value name;
    napi_create_string_utf8(env, kPoints[i], NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, names, i, name);
  }
  return names;
}

/// (name, count) The process stops there, when it comes for the so manieth time.
int64_t stopAt(Arguments& arguments) {
  char name[64];
  if (!arguments.text(0, name, sizeof name)) return -EINVAL;
  const int count = arguments.integer(1);
  if (!arguments.valid() || count < 1) return -EINVAL;
  for (int32_t i = 0; i < static_cast<int32_t>(std::size(kPoints)); i++) {
    if (std::strcmp(kPoints[i], name) != 0) continue;
    stopCount = count;
    stopPoint = i;
    return 0;
  }
  return -EINVAL;
}

/// (numbers) Where the tables begin, how long an entry is, and how many there are: slots, objects, waiters; holders.
int64_t layout(Arguments& arguments) {
  const Ints numbers = arguments.ints(0);
  const size_t values[] = {sizeof(Region),
                           offsetof(Region, slots), sizeof(Slot), kSlots,
                           offsetof(Region, objects), sizeof(Object), kObjects,
                           offsetof(Region, waiters), sizeof(Waiter), kWaiters,
                           offsetof(Region, holders)};
  if (!arguments.valid() || numbers.length < std::size(values)) return -EINVAL;
  for (size_t i = 0; i < std::size(values); i++) numbers.data[i] = static_cast<int32_t>(values[i]);
  return 0;
}

}  // namespace
}  // namespace locks

void defineSync(napi_env env, napi_value exports) {
  using namespace locks;
  define(env, exports, "syncMap", map);
  define(env, exports, "syncAttach", attach);
  define<detach>(env, exports, "syncDetach");
  define<slotOf>(env, exports, "syncSlot");
  define<object>(env, exports, "syncObject");
  define<inSession<remove>>(env, exports, "syncRemove");
  define<inSession<tryTake>>(env, exports, "syncTry");
  define<wait>(env, exports, "syncWait");
  define<inSession<waitForNotice>>(env, exports, "syncWaitForNotice");
  define<block>(env, exports, "syncBlock");
  define<inSession<cancel>>(env, exports, "syncCancel");
  define<inSession<release>>(env, exports, "syncRelease");
  define<inSession<markConsistent>>(env, exports, "syncMarkConsistent");
  define<inSession<add>>(env, exports, "syncAdd");
  define<inSession<forget>>(env, exports, "syncForget");
  define<inSession<set>>(env, exports, "syncSet");
  define<inSession<clear>>(env, exports, "syncClear");
  define<inSession<notify>>(env, exports, "syncNotify");
  define<inSession<notifyAll>>(env, exports, "syncNotifyAll");
  define<inSession<breakBarrier>>(env, exports, "syncBreak");
  define<inSession<resetBarrier>>(env, exports, "syncReset");
  define<drain>(env, exports, "syncDrain");
  define<state>(env, exports, "syncState");
  define<inSession<check>>(env, exports, "syncCheck");
  define(env, exports, "syncPoints", points);
  define<stopAt>(env, exports, "syncStopAt");
  define<layout>(env, exports, "syncLayout");
}

}  // namespace strait
