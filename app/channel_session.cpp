// SPDX-License-Identifier: Apache-2.0
#include "app/channel_session.h"

namespace aqpim::app {

namespace {

class GoldenSession : public ChannelSession {
 public:
  explicit GoldenSession(const SessionOptions& options) : port_(shape_of(options)) {}

  system::HostPort& port() override { return port_; }

  std::string finish(report::ChannelReport& report) override {
    report.golden = true;
    return {};
  }

 private:
  system::GoldenPort port_;
};

}  // namespace

config::ChannelShape shape_of(const SessionOptions& options) {
  return {.engine = options.configuration->engine,
          .memory = options.memory->organization,
          .banks_per_engine = options.banks_per_engine};
}

std::unique_ptr<ChannelSession> golden_session(const SessionOptions& options) {
  return std::make_unique<GoldenSession>(options);
}

}  // namespace aqpim::app
