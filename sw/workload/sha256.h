// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace aqpim::workload {

// The SHA-256 of bytes that come piece by piece. Throws std::runtime_error if OpenSSL refuses.
class Sha256 {
 public:
  Sha256();

  void add(std::span<const char> bytes);
  // 64 hexadecimal digits; nothing may be added afterwards.
  std::string hex();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

}  // namespace aqpim::workload
