{
  "targets": [
    {
      "target_name": "strait_posix",
      "sources": [
        "native/addon.cc",
        "native/blocker.cc",
        "native/descriptor.cc",
        "native/event.cc",
        "native/keeper.cc",
        "native/lock-queues.cc",
        "native/lock-slots.cc",
        "native/locks.cc",
        "native/memory.cc",
        "native/poll.cc",
        "native/poller.cc",
        "native/queue.cc",
        "native/rings.cc",
        "native/semaphore.cc",
        "native/semaphore-set.cc",
        "native/signal.cc",
        "native/slots.cc",
        "native/socket.cc",
        "native/sync.cc",
        "native/sysv.cc",
        "native/waitv.cc"
      ],
      "libraries": ["-pthread", "-lrt"],
      "cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++20"],
      "configurations": {
        "Debug": {
          "cflags": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"],
          "ldflags": ["-fsanitize=address,undefined"]
        }
      }
    }
  ]
}
