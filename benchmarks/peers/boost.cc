/*
 * Round trips over two message queues of Boost.Interprocess, which are shared memory with a mutex and two conditions.
 *
 *   boost blocking|spinning BYTES [CORE CORE]      rounds, as ../floors/floor.h says
 *
 * blocking: `send` and `receive`. spinning: `try_send` and `try_receive`, over and over.
 */
/* As a program is released; otherwise an assertion fails where a lock of the dead is met. */
#define NDEBUG
#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <optional>
#include <string>

#include "../floors/floor.h"

namespace {

using boost::interprocess::message_queue;

constexpr std::size_t messages_per_queue = 16;

/** There and back: [0] is read by the child, [1] by the parent. Both are mapped before the fork, and need no name then. */
std::optional<message_queue> queues[2];
message_queue *in, *out;

void create(size_t size) try {
  for (auto &queue : queues) {
    const auto name = "strait-boost-" + std::to_string(getpid());
    queue.emplace(boost::interprocess::create_only, name.c_str(), messages_per_queue, size);
    message_queue::remove(name.c_str());
  }
} catch (const std::exception &error) {
  give_up(error.what());
}

void become(end end, pid_t) {
  in = &*queues[end == CHILD ? 0 : 1];
  out = &*queues[end == CHILD ? 1 : 0];
}

void check_size(std::size_t received, std::size_t size) {
  if (received != size) give_up("a payload was damaged");
}

/** Calls what takes a lock, which the peer may have had when it died. */
template <typename Call>
auto locking(Call call) try {
  return call();
} catch (const boost::interprocess::lock_exception &) {
  give_up("the peer has died");
}

void send(const uint8_t *message, size_t size) {
  locking([=] { out->send(message, size, 0); });
}

void receive(uint8_t *message, size_t size) {
  std::size_t received;
  unsigned priority;
  locking([&] { in->receive(message, size, received, priority); });
  check_size(received, size);
}

void spin_send(const uint8_t *message, size_t size) {
  while (!locking([=] { return out->try_send(message, size, 0); })) continue;
}

void spin_receive(uint8_t *message, size_t size) {
  std::size_t received;
  unsigned priority;
  while (!locking([&] { return in->try_receive(message, size, received, priority); })) continue;
  check_size(received, size);
}

constexpr mechanism blocking{"blocking", create, become, send, receive};
constexpr mechanism spinning{"spinning", create, become, spin_send, spin_receive};
constexpr const mechanism *mechanisms[]{&blocking, &spinning, nullptr};

}  // namespace

int main(int argc, char **argv) { return rounds_main(argc, argv, mechanisms); }
