#include "poller.h"

#include "addon.h"

namespace strait {

Poller::Poller(Environment* environment) : environment_(environment) {
  uv_idle_init(environment->loop(), &idle_);
  uv_check_init(environment->loop(), &check_);
  idle_.data = check_.data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&idle_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&check_));
}

void Poller::add(Hot* hot) {
  if (hot->index_ != Hot::kNowhere) return;
  if (hot_.empty()) {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
    uv_check_start(&check_, [](uv_check_t* handle) { static_cast<Poller*>(handle->data)->turn(); });
  }
  hot->index_ = hot_.size();
  hot_.push_back(hot);
}

void Poller::remove(Hot* hot) {
  if (hot->index_ == Hot::kNowhere) return;
  // The list is put in order at the end of a turn, for there may be one now.
  hot_[hot->index_] = nullptr;
  hot->index_ = Hot::kNowhere;
}

void Poller::turn() {
  const uint64_t now = uv_hrtime();
  // What is added meanwhile has its turn in the next one.
  const size_t count = hot_.size();
  for (size_t i = 0; i < count; i++) {
    Hot* hot = hot_[i];
    if (hot == nullptr) continue;
    const int32_t happened = hot->look(now);
    if (happened == Hot::kStay) continue;
    remove(hot);
    if (happened != Hot::kLeave) hot->tell(happened);
  }
  size_t left = 0;
  for (Hot* hot : hot_) {
    if (hot == nullptr) continue;
    hot->index_ = left;
    hot_[left++] = hot;
  }
  hot_.resize(left);
  if (left > 0) return;
  uv_idle_stop(&idle_);
  uv_check_stop(&check_);
}

void Poller::close() {
  for (Hot* hot : hot_) {
    if (hot != nullptr) hot->index_ = Hot::kNowhere;
  }
  hot_.clear();
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_),
           [](uv_handle_t* handle) { static_cast<Poller*>(handle->data)->closed(); });
  uv_close(reinterpret_cast<uv_handle_t*>(&check_),
           [](uv_handle_t* handle) { static_cast<Poller*>(handle->data)->closed(); });
}

void Poller::closed() {
  if (--open_ == 0) environment_->pollerClosed();
}

}  // namespace strait
