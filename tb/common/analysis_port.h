// SPDX-License-Identifier: Apache-2.0
//
// Where a monitor publishes one kind of transaction. Subscribers are called in the order in which
// they came, in the cycle of the transaction, and never change it.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace aqpim::tb {

template <typename Transaction>
class AnalysisPort {
 public:
  using Subscriber = std::function<void(const Transaction&)>;

  void subscribe(Subscriber subscriber) { subscribers_.push_back(std::move(subscriber)); }

  void publish(const Transaction& transaction) const {
    for (const Subscriber& subscriber : subscribers_) subscriber(transaction);
  }

 private:
  std::vector<Subscriber> subscribers_;
};

}  // namespace aqpim::tb
