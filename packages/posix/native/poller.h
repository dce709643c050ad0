// The one poller of an environment: looks in each turn of its event loop at whatever is hot.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace strait {

class Environment;

/// Something that changes without the kernel's telling.
class Hot {
 public:
  static constexpr int32_t kStay = 0;
  static constexpr int32_t kLeave = -1;

  virtual ~Hot() = default;
  /// What has happened; kStay: nothing yet; kLeave: nothing, and it need not be looked at any more.
  virtual int32_t look(uint64_t nowNs) = 0;
  /// Tells JavaScript what has happened. May do anything, even add this again or close it.
  virtual void tell(int32_t happened) = 0;

 private:
  friend class Poller;
  static constexpr size_t kNowhere = SIZE_MAX;
  size_t index_ = kNowhere;
};

/// While something is hot, the event loop does not block. Never keeps it alive.
class Poller {
 public:
  explicit Poller(Environment* environment);

  /// Looks at it from the end of this turn on, until it leaves or is removed.
  void add(Hot* hot);
  void remove(Hot* hot);
  /// Looks at nothing any more; tells the environment when libuv has let go.
  void close();

 private:
  void turn();
  void closed();

  Environment* environment_;
  /// An active idle handle is what keeps libuv from blocking.
  uv_idle_t idle_;
  uv_check_t check_;
  int open_ = 2;
  std::vector<Hot*> hot_;
};

}  // namespace strait
