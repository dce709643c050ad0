#include "keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "locks.h"

namespace strait::locks {
namespace {

/// An event loop that has not looked within this time, ns, is busy.
constexpr uint64_t kBusy = 1'000'000;

uint64_t pidNamespace() {
  struct stat stats;
  return stat("/proc/self/ns/pid", &stats) == 0 ? stats.st_ino : 0;
}

/// Whether a call was refused only because this process, or the machine, has too much open just now. Waits a little then.
bool mustTryAgain() {
  if (errno != EMFILE && errno != ENFILE && errno != ENOMEM) return false;
  const timespec pause = {0, 1'000'000};
  nanosleep(&pause, nullptr);
  return true;
}

/// When a process started; 0: there is none. The 22nd field; proc(5).
uint64_t startOf(uint32_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
  int file;
  do {
    file = open(path, O_RDONLY | O_CLOEXEC);
  } while (file < 0 && mustTryAgain());
  if (file < 0) return 0;
  char text[1024];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  text[length] = 0;
  // The second one is the name in parentheses, which can have anything in it.
  const char* field = std::strrchr(text, ')');
  for (int number = 2; field != nullptr && number < 22; number++) field = std::strchr(field + 1, ' ');
  return field == nullptr ? 0 : std::strtoull(field + 1, nullptr, 10);
}

/// Its keeper has ended, but other threads of it may run on for some microseconds, and write to what they held. A
/// process without threads is a zombie or gone.
void waitForEnd(uint32_t pid, uint64_t start) {
  int descriptor;
  do {
    descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  } while (descriptor < 0 && mustTryAgain());
  if (descriptor < 0) return;
  // Where it is another process by now, ours has ended long ago.
  if (startOf(pid) == start) {
    pollfd end = {descriptor, POLLIN, 0};
    while (poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
  }
  close(descriptor);
}

/// Somebody may have removed the name, and somebody else made another file of this name.
bool isNameOf(const char* path, int descriptor) {
  struct stat named;
  struct stat ours;
  return lstat(path, &named) == 0 && fstat(descriptor, &ours) == 0 && named.st_ino == ours.st_ino &&
         named.st_dev == ours.st_dev;
}

/// 0: none.
uint32_t firstDead(Region& region) {
  for (uint32_t index = 1; index < kSlots; index++) {
    if ((region.slots[index].life.load(std::memory_order_acquire) & FUTEX_OWNER_DIED) != 0) return index;
  }
  return 0;
}

void* nodeOf(Attachment* attachment) {
  return reinterpret_cast<char*>(&attachment->region->slot(attachment->slot).life) - kShadow;
}

}  // namespace

void* mapRegion(int descriptor) {
  char* base =
      static_cast<char*>(mmap(nullptr, 2 * kShadow, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (base == MAP_FAILED) return nullptr;
  if (mmap(base + kShadow, kShadow, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0) != MAP_FAILED) return base;
  const int error = errno;
  munmap(base, 2 * kShadow);
  errno = error;
  return nullptr;
}

void unmapRegion(void* base) { munmap(base, 2 * kShadow); }

// Orders of the environment's thread

Keeper* Keeper::start() {
  auto* keeper = new Keeper();
  const bool started = startThread(
      &keeper->thread_,
      [](void* data) -> void* {
        static_cast<Keeper*>(data)->run();
        return nullptr;
      },
      keeper);
  if (started) return keeper;
  keeper->thread_ = 0;
  delete keeper;
  return nullptr;
}

Keeper::~Keeper() {
  if (thread_ != 0) {
    order(Order::kEnd, nullptr);
    pthread_join(thread_, nullptr);
  }
  pthread_cond_destroy(&done_);
  pthread_mutex_destroy(&mutex_);
}

int64_t Keeper::order(Order order, Attachment* attachment) {
  pthread_mutex_lock(&mutex_);
  order_ = order;
  subject_ = attachment;
  orders_.fetch_add(1, std::memory_order_release);
  futex(&orders_, FUTEX_WAKE, 1);
  while (order_ != Order::kNone) pthread_cond_wait(&done_, &mutex_);
  const int64_t result = result_;
  pthread_mutex_unlock(&mutex_);
  return result;
}

int64_t Keeper::attach(Attachment* attachment) { return order(Order::kAttach, attachment); }
void Keeper::detach(Attachment* attachment) { order(Order::kDetach, attachment); }

// In the thread

void Keeper::run() {
  // Instead of libc's: nothing here uses a robust mutex of pthreads.
  list_.list.next = &list_.list;
  list_.futex_offset = static_cast<long>(kShadow);
  list_.list_op_pending = nullptr;
  syscall(SYS_set_robust_list, &list_, sizeof list_);
  for (;;) {
    const uint64_t time = now();
    pthread_mutex_lock(&mutex_);
    const bool ends = order_ == Order::kEnd;
    if (order_ != Order::kNone) {
      result_ = obey();
      order_ = Order::kNone;
      pthread_cond_signal(&done_);
    }
    pthread_mutex_unlock(&mutex_);
    if (ends) return;
    for (Attachment* attachment : attachments_) {
      hear(attachment, time);
      watch(attachment);
    }
    sleep();
  }
}

int64_t Keeper::obey() {
  if (order_ == Order::kAttach) return enter(subject_);
  if (order_ == Order::kDetach) leave(subject_);
  return 0;
}

int64_t Keeper::enter(Attachment* attachment) {
  // What is no region is not touched.
  const uint64_t magic = attachment->region->header.magic;
  if (magic != 0 && magic != kMagic) return -EBADMSG;
  int64_t result;
  while ((result = takeSlot(attachment)) == -EAGAIN) reapAll(*attachment->region);
  if (result < 0) return result;
  attachments_.push_back(attachment);
  watch(attachment);
  return 0;
}

int64_t Keeper::takeSlot(Attachment* attachment) {
  Region& region = *attachment->region;
  Header& header = region.header;
  Session session(region);
  if (header.magic == 0) {
    header.version = kVersion;
    header.size = sizeof(Region);
    header.pidNamespace = pidNamespace();
    header.magic = kMagic;
  }
  if (header.version != kVersion || header.size != sizeof(Region)) return -EBADMSG;
  if (header.pidNamespace != pidNamespace()) return -EXDEV;
  if (header.retired != 0) return -ESTALE;
  // The neighbour that is rung must be alive: a dead one watches nobody.
  if (firstDead(region) != 0) return -EAGAIN;
  const uint32_t index = session.freeSlot();
  if (index == 0) return -ENOSPC;
  Slot& slot = region.slot(index);
  slot.pid = static_cast<uint32_t>(getpid());
  slot.start = startOf(slot.pid);
  slot.stale = 0;
  slot.thread = attachment->thread;
  attachment->slot = index;
  attachment->bell = slot.bell.load(std::memory_order_relaxed);
  enlist(attachment);
  at(Point::attachListed);
  slot.life.store(threadId() | FUTEX_WAITERS, std::memory_order_release);
  at(Point::attachLived);
  session.count();
  // From now on it is this one that the neighbour watches.
  const uint32_t neighbour = session.before(index);
  if (neighbour != 0) session.ring(neighbour);
  session.flush();
  // Until it runs it is queued at the one that we watch: were it killed before, the news of a death would go with it.
  const uint32_t watched = after(region, index);
  if (watched != 0) futex(&region.slot(watched).life, FUTEX_WAKE, INT_MAX);
  at(Point::attachRung);
  return 0;
}

void Keeper::leave(Attachment* attachment) {
  Region& region = *attachment->region;
  attachments_.erase(std::find(attachments_.begin(), attachments_.end(), attachment));
  // So that it is known who is the last.
  reapAll(region);
  {
    Session session(region);
    session.strip(attachment->slot);
    at(Point::detachStripped);
    if (!attachment->path.empty() && region.header.occupied == 1) {
      // Who has it open already, and has not come in, begins again.
      region.header.retired = 1;
      at(Point::detachRetired);
      if (isNameOf(attachment->path.c_str(), attachment->descriptor)) unlink(attachment->path.c_str());
    }
    // Last: until then, whoever watches this slot hears when we are killed.
    session.vacate(attachment->slot);
  }
  delist(attachment);
  words_.leave();
}

/// Its caller has seen it dead. Somebody else may reap it first, and a newcomer take the slot, for whose end nobody may wait.
void Keeper::reap(Region& region, uint32_t index) {
  at(Point::reapSeen);
  Slot& slot = region.slot(index);
  uint32_t pid;
  uint64_t start;
  const auto isDead = [&slot] { return (slot.life.load(std::memory_order_relaxed) & FUTEX_OWNER_DIED) != 0; };
  {
    Session session(region);
    if (!isDead()) return;
    pid = slot.pid;
    start = slot.start;
  }
  waitForEnd(pid, start);
  at(Point::reapEnded);
  Session session(region);
  if (!isDead() || slot.pid != pid || slot.start != start) return;
  session.strip(index);
  session.vacate(index);
}

void Keeper::reapAll(Region& region) {
  for (uint32_t dead = firstDead(region); dead != 0; dead = firstDead(region)) reap(region, dead);
}

void Keeper::enlist(Attachment* attachment) {
  auto* node = static_cast<robust_list*>(nodeOf(attachment));
  node->next = list_.list.next;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  list_.list.next = node;
}

void Keeper::delist(Attachment* attachment) {
  auto* node = static_cast<robust_list*>(nodeOf(attachment));
  robust_list* before = &list_.list;
  while (before->next != node) before = before->next;
  before->next = node->next;
}

void Keeper::hear(Attachment* attachment, uint64_t time) {
  Slot& slot = attachment->region->slot(attachment->slot);
  const uint32_t drains = slot.drains.load(std::memory_order_relaxed);
  // Pairs with the end of a session.
  const uint32_t bell = slot.bell.load(std::memory_order_acquire);
  if (attachment->told != 0 && drains != attachment->drains) attachment->told = 0;
  if (attachment->told != 0 && time - attachment->told >= kBusy) {
    attachment->told = 0;
    Session(*attachment->region).passOn(attachment->slot, attachment->drains);
  }
  if (bell == attachment->bell) return;
  attachment->bell = bell;
  if (slot.rung.load(std::memory_order_relaxed) == 0) return;
  const uint64_t one = 1;
  if (write(attachment->event, &one, sizeof one) < 0) return;
  if (attachment->told == 0) {
    attachment->told = time;
    attachment->drains = drains;
  }
}

/// Whoever is next; the dead are reaped on the way.
void Keeper::watch(Attachment* attachment) {
  Region& region = *attachment->region;
  // The kernel wakes one at a death. Where somebody else is the neighbour by now, it was meant for that one.
  if (attachment->watched != 0) {
    std::atomic<uint32_t>& life = region.slot(attachment->watched).life;
    if (life.load(std::memory_order_relaxed) != attachment->life) futex(&life, FUTEX_WAKE, INT_MAX);
    attachment->watched = 0;
  }
  for (;;) {
    const uint32_t index = after(region, attachment->slot);
    if (index == 0) return;
    Slot& slot = region.slot(index);
    const uint32_t life = slot.life.load(std::memory_order_acquire);
    if (life == 0) continue;
    if ((life & FUTEX_OWNER_DIED) == 0) {
      attachment->watched = index;
      attachment->life = life;
      return;
    }
    reap(region, index);
  }
}

/// Until there is something to do: without any limit, unless an event loop has been told something just now.
void Keeper::sleep() {
  pthread_mutex_lock(&mutex_);
  const bool ordered = order_ != Order::kNone;
  words_.begin(orders_.load(std::memory_order_relaxed));
  pthread_mutex_unlock(&mutex_);
  if (ordered) return;
  uint64_t until = UINT64_MAX;
  for (const Attachment* attachment : attachments_) {
    Region& region = *attachment->region;
    words_.add(&region.slot(attachment->slot).bell, attachment->bell);
    if (attachment->watched != 0) words_.add(&region.slot(attachment->watched).life, attachment->life);
    if (attachment->told != 0) until = std::min(until, attachment->told + kBusy);
  }
  const timespec limit = {static_cast<time_t>(until / 1'000'000'000), static_cast<long>(until % 1'000'000'000)};
  words_.sleep(until == UINT64_MAX ? nullptr : &limit);
}

}  // namespace strait::locks
